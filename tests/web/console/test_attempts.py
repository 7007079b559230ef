"""
How often a password may be tried.
"""

from __future__ import annotations

from watchword.server.web.console.attempts import MOST_TRIES, MOST_TRIES_OF_A_SOURCE, Attempts


class Counter:
    """
    Seconds that a test lets pass.
    """

    now = 1_000.0

    def __call__(self) -> float:
        """
        Return them.
        """
        return self.now


def test_name_is_bounded_and_others_of_the_source_are_not() -> None:
    """
    The eleventh try waits until the first is a minute old.
    """
    counter = Counter()
    attempts = Attempts(counter)
    for _ in range(MOST_TRIES):
        assert attempts.begin("one", "ada") == 0
        counter.now += 1
    assert attempts.begin("one", "ada") == 51
    assert attempts.begin("one", "ben") == attempts.begin("two", "ada") == 0
    counter.now += 49
    assert attempts.begin("one", "ada") == 2
    counter.now += 1
    assert attempts.begin("one", "ada") == 0


def test_success_counts_for_nothing() -> None:
    """
    Whoever knows the password may sign in as often as they like.
    """
    attempts = Attempts(Counter())
    for _ in range(10 * MOST_TRIES_OF_A_SOURCE):
        assert attempts.begin("one", "ada") == 0
        attempts.succeeded("one", "ada")


def test_source_is_bounded_whatever_names_it_tries() -> None:
    """
    Who guesses names does not get further.
    """
    attempts = Attempts(Counter())
    for number in range(MOST_TRIES_OF_A_SOURCE):
        assert attempts.begin("one", f"name{number}") == 0
    assert attempts.begin("one", "another") == 61
    assert attempts.begin("two", "another") == 0


def test_what_is_remembered_is_bounded() -> None:
    """
    A flood of names and sources takes no memory beyond some thousand entries.
    """
    attempts = Attempts(Counter())
    for number in range(10_000):
        attempts.begin(f"source{number}", "ada")
    assert len(attempts._tries) <= 4_096
