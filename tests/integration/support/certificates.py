"""An authority and certificates of its making, as files of PEM, made with the openssl program."""
import subprocess
import tempfile
from pathlib import Path


def openssl(*arguments, directory=None):
    subprocess.run(["openssl", *map(str, arguments)], cwd=directory, check=True, capture_output=True, timeout=30)


class Pair:
    """A certificate and its key."""

    def __init__(self, cert, key):
        self.cert, self.key = cert, key

    def become(self, other):
        """The files now hold what `other` has."""
        for mine, theirs in ((self.cert, other.cert), (self.key, other.key)):
            beside = mine.with_suffix(".next")
            beside.write_bytes(theirs.read_bytes())
            beside.rename(mine)


class Authority:
    def __init__(self, name="authority"):
        self.directory = Path(tempfile.mkdtemp(prefix="429chain-certificates-"))
        root = self.self_signed(name, "basicConstraints=critical,CA:TRUE", stem="ca")
        self.cert, self.key = root.cert, root.key

    def self_signed(self, name, extension, stem=None):
        """A certificate that vouches for itself."""
        pair = Pair(self.directory / f"{stem or name}.pem", self.directory / f"{stem or name}.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                f"/CN={name}", "-addext", extension, "-keyout", pair.key, "-out", pair.cert, directory=self.directory)
        return pair

    def issue(self, name, *, subject="DNS:localhost,IP:127.0.0.1", days=1):
        """A certificate of this authority; `name` is its common name and the name of its files."""
        request, extensions = self.directory / f"{name}.csr", self.directory / f"{name}.ext"
        pair = Pair(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        extensions.write_text(f"subjectAltName={subject}\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", pair.key, "-out", request, directory=self.directory)
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days", days,
                "-extfile", extensions, "-out", pair.cert, directory=self.directory)
        return pair
