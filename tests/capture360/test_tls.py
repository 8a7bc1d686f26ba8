"""One TLS context a process, which checks certificates and host names."""

from __future__ import annotations

import ssl

from capture360.tls import trusted


def test_clients_share_one_context_that_checks_who_answers() -> None:
    context = trusted()
    assert context is trusted()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509_ca"] > 0
