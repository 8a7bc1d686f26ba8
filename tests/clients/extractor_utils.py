"""Log in and upload by extractor-utils, unchanged. Run with the path of connection.json.

It insists on HTTPS for the token URL, so a proxy with a certificate of its own stands before that one address.
"""

import datetime
import http.server
import ipaddress
import json
import os
import ssl
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

known = json.loads(Path(sys.argv[1]).read_text())


class Proxy(http.server.BaseHTTPRequestHandler):
    """Pass requests for a token on."""

    def do_POST(self) -> None:
        """Send the request to the sandbox, and its answer back."""
        body = self.rfile.read(int(self.headers["content-length"]))
        names = ("authorization", "content-type")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        request = urllib.request.Request(known["token_url"], body, headers)
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def certificate(folder: Path) -> Path:
    """Write a key and its certificate for 127.0.0.1 into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    form = serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path


with tempfile.TemporaryDirectory() as folder:
    pem = certificate(Path(folder))
    os.environ["REQUESTS_CA_BUNDLE"] = os.environ["SSL_CERT_FILE"] = str(pem)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    from cognite.client.data_classes import FileMetadata
    from cognite.extractorutils.configtools import CogniteConfig, load_yaml
    from cognite.extractorutils.uploader import BytesUploadQueue

    text = f"""
    project: {known["project"]}
    host: {known["base_url"]}
    idp-authentication:
      client-id: {known["client_id"]}
      secret: {known["client_secret"]}
      token-url: https://127.0.0.1:{server.server_port}/oauth2/token
      scopes: [sandbox]
    """
    client = load_yaml(text, CogniteConfig).get_cognite_client("clients")
    assert client.iam.token.inspect().projects[0].url_name == known["project"]
    with BytesUploadQueue(client, max_queue_size=10, overwrite_existing=True) as queue:
        queue.add_to_upload_queue(b"hello", FileMetadata(external_id="ex-file", name="ex.txt", mime_type="text/plain"))
        queue.upload()
    deadline = time.monotonic() + 30
    while not client.files.retrieve(external_id="ex-file").uploaded:
        assert time.monotonic() < deadline, "the file does not become uploaded"
        time.sleep(0.1)  # between two looks: CDF makes a file uploaded a little later, and sends no event
    assert client.files.download_bytes(external_id="ex-file") == b"hello"
    client.files.delete(external_id="ex-file")
    server.shutdown()
