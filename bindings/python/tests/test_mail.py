"""aiosmtplib and aiosmtpd with our context: TLS from the first byte on, and by STARTTLS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from pairs import client_context, server_context

aiosmtplib = pytest.importorskip("aiosmtplib")
smtp = pytest.importorskip("aiosmtpd.smtp")

PAIRS = ["openssl-openssl", "ours-openssl", "openssl-ours", "ours-ours"]


class Box:
    """Keeps the letters that come."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.letters.append(envelope.content)
        return "250 kept"


@pytest.mark.parametrize("starts", [False, True], ids=["at once", "STARTTLS"])
@pytest.mark.parametrize("engines", PAIRS)
def test_letters(engines: str, starts: bool, check_engines: Callable[[str], None]) -> None:
    client, server = engines.split("-")
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "a@example.com", "b@example.com", "greetings"
    letter.set_content("line\n" * 30_000)

    async def send() -> None:
        box, context = Box(), server_context(server)
        serving = await asyncio.get_running_loop().create_server(
            lambda: smtp.SMTP(box, hostname="localhost", **({"tls_context": context} if starts else {})),
            "127.0.0.1",
            0,
            ssl=None if starts else context,
        )
        port = serving.sockets[0].getsockname()[1]
        post = aiosmtplib.SMTP(
            hostname="localhost", port=port, tls_context=client_context(client), use_tls=not starts, start_tls=starts
        )
        async with post:
            for _ in range(3):
                await post.send_message(letter)
        assert [letter.count(b"line\r\n") for letter in box.letters] == [30_000] * 3
        serving.close()

    asyncio.run(send())
    check_engines(engines)
