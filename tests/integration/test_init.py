"""`429ctl init`: a first configuration from the API keys in the environment. Nothing here calls a provider."""
import itertools
import json
import os
import stat
import tempfile
import unittest
from pathlib import Path

from support.programs import run

SECRET = "sk-0123456789-secret-value"


class Init(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.file = self.folder / "429chain.yaml"

    def init(self, *flags, keys=(), probe=False):
        env = {"HOME": str(self.folder), **{name: SECRET for name in keys}}
        return run("429ctl", ["init", *([] if probe else ["--no-probe"]), *flags], env, directory=self.folder)

    def validate(self, path, keys=()):
        return run("429ctl", ["validate", path], {name: SECRET for name in keys})

    def looked_for(self):
        """The variables of each provider, from what it says without any key."""
        code, out, _ = self.init("-o", "json")
        self.assertEqual(1, code)
        return {entry["kind"]: entry["variables"] for entry in json.loads(out)["looked_for"]}

    def test_every_provider_alone_and_all_together_are_valid(self):
        """The file passes `429ctl validate`, whichever keys there are."""
        known = self.looked_for()
        for name in ("groq", "cerebras", "openrouter", "gemini", "mistral", "openai", "sambanova", "together", "nvidia",
                     "cohere", "huggingface", "deepseek", "fireworks", "zai"):
            self.assertIn(name, known)
        sets = [(variable,) for variables in known.values() for variable in variables]
        sets += itertools.islice(itertools.combinations([names[0] for names in known.values()], 2), 0, None, 7)
        sets.append(tuple(names[0] for names in known.values()))
        for keys in sets:
            with self.subTest(keys=keys):
                code, _, err = self.init("--force", keys=keys)
                self.assertEqual(0, code, err)
                text = self.file.read_text()
                self.assertNotIn(SECRET, text)
                for variable in keys:
                    self.assertIn(f"env: {variable}}}", text)
                code, out, err = self.validate(self.file, keys)
                self.assertEqual((0, ""), (code, err))
                self.assertIn("4 chains", out)

    def test_the_key_itself_is_nowhere(self):
        """Not in the file, not on the terminal, not in the JSON."""
        for flags in ((), ("--print",), ("-o", "json"), ("-o", "json", "--print")):
            code, out, err = self.init("--force", *flags, keys=("GROQ_API_KEY", "GROQ_API_KEY_2", "OPENAI_API_KEY"))
            self.assertEqual(0, code, err)
            self.assertNotIn(SECRET, out + err)
        self.assertNotIn(SECRET, self.file.read_text())

    def test_the_file_is_its_owners_alone_and_never_overwritten_unasked(self):
        """Mode 0600, whatever the umask; --force replaces it whole."""
        old = os.umask(0)
        try:
            self.assertEqual(0, self.init(keys=("GROQ_API_KEY",))[0])
        finally:
            os.umask(old)
        self.assertEqual(0o600, stat.S_IMODE(self.file.stat().st_mode))
        self.file.write_text("mine\n")
        code, _, err = self.init(keys=("GROQ_API_KEY",))
        self.assertEqual(1, code)
        self.assertIn("--force", err)
        self.assertEqual("mine\n", self.file.read_text())
        self.assertEqual(0, self.init("--force", keys=("GROQ_API_KEY",))[0])
        self.assertIn("kind: groq", self.file.read_text())
        self.assertEqual(["429chain.yaml"], os.listdir(self.folder))

    def test_out_names_the_file_and_print_writes_none(self):
        """--out FILE, --print."""
        other = self.folder / "other.yaml"
        self.assertEqual(0, self.init("--out", other, keys=("GROQ_API_KEY",))[0])
        self.assertIn("kind: groq", other.read_text())
        code, out, _ = self.init("--print", keys=("GROQ_API_KEY",))
        self.assertEqual(0, code)
        self.assertEqual(other.read_text(), out)
        self.assertFalse(self.file.exists())

    def test_without_a_key_it_says_what_it_looked_for_and_where_to_get_one(self):
        """Variables, the pages for keys, a non-zero exit code, no file."""
        code, out, err = self.init()
        self.assertEqual(1, code)
        for part in ("GROQ_API_KEY", "https://console.groq.com/keys", "GEMINI_API_KEY", "https://aistudio.google.com/apikey",
                     "OPENROUTER_API_KEY", "MISTRAL_API_KEY", "429ctl up --demo"):
            self.assertIn(part, err)
        self.assertEqual("", out)
        self.assertFalse(self.file.exists())

    def test_it_says_what_each_provider_gives_a_day_and_in_sum(self):
        """Requests and tokens a day and a minute, with the date of the fact; what is not known is said."""
        code, out, _ = self.init(keys=("GROQ_API_KEY", "OPENROUTER_API_KEY", "NVIDIA_API_KEY"))
        self.assertEqual(0, code)
        self.assertRegex(out, r"Groq +openai/gpt-oss-120b +1,000 +30 +200,000 +8,000 +2026-08-22")
        self.assertRegex(out, r"OpenRouter +all together +50 +20 +unknown +unknown +2026-10-17")
        self.assertRegex(out, r"Together about 3,050 requests a day.*NVIDIA NIM")

    def test_a_dialect_that_is_not_spoken_is_left_out_and_said(self):
        """A key that cannot be used yet."""
        code, out, _ = self.init(keys=("GROQ_API_KEY", "ANTHROPIC_API_KEY"))
        self.assertEqual(0, code)
        self.assertIn("left out ANTHROPIC_API_KEY", out)
        self.assertNotIn("ANTHROPIC_API_KEY", self.file.read_text())

    def test_with_probing_it_ends_soon_and_says_what_it_does(self):
        """Looks at the usual ports of local servers, with progress."""
        code, _, err = self.init(keys=("GROQ_API_KEY",), probe=True)
        self.assertEqual(0, code, err)
        self.assertIn("looking for local servers at http://127.0.0.1:8080/v1, http://127.0.0.1:11434/v1", err)
        code, _, err = self.validate(self.file)
        self.assertEqual(0, code, err)

    def test_the_context_file_says_where_the_control_plane_is(self):
        """Flag, then variable, then context, then the usual address."""
        env = {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder / "config")}
        show = ["-o", "json", "context", "show"]
        self.assertEqual("127.0.0.1:4292", json.loads(run("429ctl", show, env)[1])["control"])
        self.assertEqual(0, run("429ctl", ["context", "set", "127.0.0.1:9"], env)[0])
        self.assertTrue((self.folder / "config" / "429chain" / "context.yaml").exists())
        self.assertEqual("127.0.0.1:9", json.loads(run("429ctl", show, env)[1])["control"])
        code, _, err = run("429ctl", ["status"], env)
        self.assertEqual(3, code)
        self.assertIn("127.0.0.1:9", err)
        self.assertIn("127.0.0.1:8", run("429ctl", ["status"], {**env, "CHAIN429_CONTROL": "127.0.0.1:8"})[2])
        self.assertIn("127.0.0.1:7", run("429ctl", ["--control", "127.0.0.1:7", "status"],
                                         {**env, "CHAIN429_CONTROL": "127.0.0.1:8"})[2])
        self.assertEqual(0, run("429ctl", ["context", "clear"], env)[0])
        self.assertEqual("127.0.0.1:4292", json.loads(run("429ctl", show, env)[1])["control"])


if __name__ == "__main__":
    unittest.main()
