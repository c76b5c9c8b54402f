"""E-mail over SMTP. 250 at the end of DATA is all it proves: the next server took it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate

import aiosmtplib

from hearing_server.ports.notices import Letter, SendResult

_TIMEOUT_S = 12


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. `security`: tls (from the first byte), starttls (required), none (same machine only)."""

    host: str
    port: int
    security: str
    sender: str
    username: str = ""
    password: str = ""


class EmailChannel:
    """One message, one connection: notices are rare, and a dead connection is nobody's puzzle."""

    is_simulated = False

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    async def send(self, letter: Letter) -> SendResult:
        server = self._server
        try:
            errors, _ = await aiosmtplib.send(
                self._message(letter),
                hostname=server.host,
                port=server.port,
                username=server.username or None,
                password=server.password or None,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                timeout=_TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            codes = [one.code for one in refused.recipients]
            return SendResult(_word(codes), f"smtp {codes[0] if codes else 0}", simulated=False)
        except aiosmtplib.SMTPResponseException as refused:
            return SendResult(_word([refused.code]), f"smtp {refused.code}", simulated=False)
        except aiosmtplib.SMTPTimeoutError as error:
            raise TimeoutError from error
        except aiosmtplib.SMTPException as error:
            return SendResult("retry", type(error).__name__, simulated=False)
        except ValueError:
            # An address no header can hold: nothing later will mend it.
            return SendResult("failed", "address", simulated=False)
        if errors:
            return SendResult("failed", "smtp refused", simulated=False)
        return SendResult("accepted", "smtp 250", simulated=False, provider_id=self._message_id(letter))

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._server.sender
        message["To"] = letter.to
        message["Subject"] = letter.title
        message["Date"] = formatdate(localtime=False)
        # The same for every try: a mailbox that got it twice can tell.
        message["Message-ID"] = self._message_id(letter)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message

    def _message_id(self, letter: Letter) -> str:
        domain = self._server.sender.rpartition("@")[2].strip(" >") or "localhost"
        return f"<{hashlib.sha256(letter.key.encode()).hexdigest()[:32]}@{domain}>"


def _word(codes: list[int]) -> str:
    """4xx comes again later, 5xx never."""
    return "failed" if codes and all(code >= 500 for code in codes) else "retry"
