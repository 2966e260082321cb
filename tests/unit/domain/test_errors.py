from __future__ import annotations

from relay.domain.errors import RemoteError, StoreTrouble


def test_an_error_anew_says_the_same_and_holds_on_to_nothing() -> None:
    first = RemoteError("later", code="status", temporary=False, status=429, retry_after=7.0)
    try:
        raise first from ValueError("why")
    except RemoteError as error:
        again = error.again()
    assert (str(again), again.code, again.temporary) == ("later", "status", False)
    assert (again.status, again.retry_after) == (429, 7.0)
    assert (again.__traceback__, again.__cause__) == (None, None)


def test_trouble_with_a_store_is_about_a_file_unless_it_is_said_to_pass() -> None:
    file, store = StoreTrouble(code="gone"), StoreTrouble("no answer", code="unreachable", temporary=True)
    assert (str(file), file.code, file.temporary) == ("A media store cannot be read.", "gone", False)
    assert (str(store), store.code, store.temporary) == ("no answer", "unreachable", True)
