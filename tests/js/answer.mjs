/**
 * How a test talks with a script: one JSON object in on stdin, which names a task, and one out on stdout.
 *
 * Secrets come on stdin too, so that no list of processes shows them. A task that throws answers with the error,
 * told with what each library puts into its own.
 */
import { text } from 'node:stream/consumers';

export async function answer(tasks) {
  const { task, ...given } = JSON.parse(await text(process.stdin));
  let told;
  try {
    told = await tasks[task](given);
  } catch (error) {
    told = { thrown: describe(error) };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

export function describe(error) {
  const { name, message, code, status, claim } = error;
  const told = { name, message, code, status, claim };
  if (typeof error.error === 'string') {
    told.error = error.error;
    told.error_description = error.error_description;
  }
  if (Array.isArray(error.cause)) {
    told.challenges = error.cause;
  }
  return told;
}
