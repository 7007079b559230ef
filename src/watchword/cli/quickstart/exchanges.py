"""
HTTP exchanges as they went over the wire: laid out for reading.
"""

from http import HTTPStatus

import httpx

from watchword.cli.quickstart.printing import Printer

_SHOWN_HEADERS = {"host": "Host", "authorization": "Authorization", "content-type": "Content-Type"}
_LONGEST_BODY = 400


def show_request(printer: Printer, request: httpx.Request) -> None:
    """
    Print a request whole, a form parameter a line.
    """
    headers = [f"{name}: {request.headers[key]}" for key, name in _SHOWN_HEADERS.items() if key in request.headers]
    body = request.content.decode().replace("&", "\n&").splitlines()
    printer.block("sent", f"{request.method} {request.url.path} HTTP/1.1", *headers, "", *body)


def show_answer(printer: Printer, response: httpx.Response) -> None:
    """
    Print an answer's status, and its body as it came.
    """
    printer.block("answer", f"{response.status_code} {phrase(response)}")
    printer.raw(response.text)


def show_call(printer: Printer, response: httpx.Response, told: str = "", *, body: str | None = None) -> None:
    """
    Print a call in short, after a blank line: what was sent, the status, and the header of a refusal or the body.

    Args:
        told: What matters of the request.
        body: What matters of the answer, where the whole would be too much.
    """
    printer.text()
    line = f"{response.request.method} {response.request.url.path}"
    printer.row("sent", f"{line}, {told}" if told else line)
    status = f"{response.status_code} {phrase(response)}"
    challenge = response.headers.get("www-authenticate")
    if challenge is None:
        shown = response.text[:_LONGEST_BODY] if body is None or response.is_error else body
        printer.block("answer", status, *printer.fit(shown, anywhere=True))
    else:
        first, *others = challenge.replace('", ', '",\n').splitlines()
        lines = [line for parameter in others for line in printer.fit(parameter, indent=2)]
        printer.block("answer", status, f"WWW-Authenticate: {first}", *lines)


def phrase(response: httpx.Response) -> str:
    """
    Return the words for a status.
    """
    try:
        return HTTPStatus(response.status_code).phrase
    except ValueError:
        return ""
