// Comforts. Every task can be done without them.

// The invitation comes behind the # of a link, which browsers send to nobody.
const invitation = document.querySelector("[data-from-fragment]");
if (invitation && location.hash.length > 1) {
  invitation.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
  document.getElementById("name").focus();
}

const inZone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function enhance(part) {
  for (const button of part.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    });
  }
  // Times come in UTC; here they are in the reader's zone, and UTC where one points.
  for (const time of part.querySelectorAll("time:not([title])")) {
    time.title = time.textContent;
    time.textContent = inZone.format(new Date(time.dateTime));
  }
}

enhance(document);
// What htmx has put into the page.
document.addEventListener("htmx:load", (event) => enhance(event.detail.elt));
