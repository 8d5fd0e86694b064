"""Authorities and certificates made with the openssl command, for one test run."""
import subprocess
import tempfile
from pathlib import Path


def openssl(*arguments, **options):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30, **options)


class Pair:
    """A certificate and its key, as files."""

    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key


class Authority:
    def __init__(self, name):
        self.directory = Path(tempfile.mkdtemp(prefix="429chain-ca-"))
        self.name = name
        self.root = self.self_signed(name, "basicConstraints=critical,CA:TRUE")

    def self_signed(self, name, extension):
        pair = Pair(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-days", "2", "-addext", extension, "-keyout", pair.key, "-out", pair.certificate)
        return pair

    def certificate(self, label, names, days=2):
        """`names`: as in "DNS:a.test,IP:127.0.0.1"."""
        pair = Pair(self.directory / f"{label}.pem", self.directory / f"{label}.key")
        request, extensions = self.directory / f"{label}.csr", self.directory / f"{label}.ext"
        extensions.write_text(f"subjectAltName={names}\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={label}",
                "-keyout", pair.key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.root.certificate, "-CAkey", self.root.key, "-CAcreateserial",
                "-days", str(days), "-extfile", extensions, "-out", pair.certificate)
        return pair
