"""Each rule of the tree can fail, and does not where it must not."""

import unittest

import house_rules
import layers
from source import code_only, includes_of

GUARD = "#pragma once\n"


def including(*paths):
    return GUARD + "".join(f'#include "{path}"\n' for path in paths)


class Source(unittest.TestCase):
    def test_comments_and_literals_are_no_code(self):
        text = 'int a; // std::mutex\n/* std::thread\n */ auto s = "std::mutex \\" x"; char c = \'"\'; auto r = R"x(std::mutex)x";\n'
        code = code_only(text)
        self.assertNotIn("std::", code)
        self.assertIn("int a;", code)
        self.assertEqual(code.count("\n"), text.count("\n"))

    def test_digit_separators_open_no_literal(self):
        self.assertIn("std::mutex", code_only("int a = 1'000'000; std::mutex m; int b = 1'0;"))

    def test_includes_are_found_but_not_in_comments(self):
        text = '// #include "a.h"\n#include "common/base/clock.h"\n  #  include <vector>\n'
        self.assertEqual(includes_of(text), [(2, "common/base/clock.h", True), (3, "vector", False)])


class Edges(unittest.TestCase):
    def check(self, path, included, *more):
        files = {path: including(included), included: GUARD, **{name: GUARD for name in more}}
        return layers.check_edges(files)

    def test_forbidden_edges_are_reported(self):
        for path, included in [
            ("common/base/a.h", "common/model/b.h"),
            ("common/model/a.h", "common/limits/b.h"),
            ("common/limits/a.h", "common/provider/b.h"),
            ("common/provider/a.h", "common/limits/b.h"),
            ("common/waterfall/a.h", "common/config/b.h"),
            ("common/config/a.h", "common/waterfall/b.h"),
            ("common/limits/a.cc", "common/io/b.h"),
            ("common/http/a.h", "common/model/b.h"),
            ("common/http/a.cc", "dataplane/http/b.h"),
            ("common/http/a.cc", "common/io/b.h"),
            ("common/model/a.h", "common/http/b.h"),
            ("common/wire/a.cc", "common/http/b.h"),
            ("common/wire/a.cc", "common/limits/b.h"),
            ("common/wire/a.cc", "common/io/b.h"),
            ("common/io/a.cc", "common/model/b.h"),
            ("common/io/a.cc", "dataplane/proxy.h"),
            ("dataplane/request/a.cc", "controlplane/quota/b.h"),
            ("dataplane/main.cc", "controlplane/control.h"),
            ("controlplane/quota/a.cc", "dataplane/permits/b.h"),
            ("controlplane/ctl/a.cc", "dataplane/proxy.h"),
            ("dataplane/request/a.cc", "tests/support/b.h"),
            ("common/base/a.cc", "tests/sim/b.h"),
        ]:
            with self.subTest(path=path, included=included):
                self.assertEqual(len(self.check(path, included)), 1)

    def test_allowed_edges_are_not(self):
        for path, included in [
            ("common/base/a.cc", "common/base/b.h"),
            ("common/config/a.cc", "common/provider/b.h"),
            ("common/waterfall/a.cc", "common/limits/b.h"),
            ("common/wire/a.cc", "common/model/b.h"),
            ("common/http/a.cc", "common/base/b.h"),
            ("common/provider/a.cc", "common/http/b.h"),
            ("common/io/a.cc", "common/base/b.h"),
            ("common/io/a.cc", "common/http/b.h"),
            ("dataplane/request/a.cc", "common/http/b.h"),
            ("controlplane/api/a.cc", "common/http/b.h"),
            ("dataplane/request/a.cc", "common/waterfall/b.h"),
            ("dataplane/request/a.cc", "dataplane/http/b.h"),
            ("dataplane/main.cc", "dataplane/proxy.h"),
            ("controlplane/quota/a.cc", "common/limits/b.h"),
            ("tests/integration/a_test.cc", "controlplane/control.h"),
        ]:
            with self.subTest(path=path, included=included):
                self.assertEqual(self.check(path, included), [])

    def test_paths_start_at_the_root(self):
        files = {"common/base/a.h": including("clock.h"), "common/base/clock.h": GUARD}
        self.assertEqual(len(layers.check_edges(files)), 1)
        self.assertEqual(len(layers.check_edges({"common/base/a.h": including("common/base/gone.h")})), 1)
        self.assertEqual(layers.check_edges({"common/base/a.h": including("absl/status/status.h", "simdjson.h")}), [])

    def test_generated_code_has_few_users(self):
        include = '#include "chain429/v1/fleet.grpc.pb.h"\n'
        self.assertEqual(len(layers.check_edges({"dataplane/request/a.cc": include})), 1)
        self.assertEqual(len(layers.check_edges({"controlplane/quota/a.cc": include})), 1)
        self.assertEqual(layers.check_edges({"dataplane/link/a.cc": include, "common/wire/b.h": include}), [])

    def test_a_new_common_folder_is_reported(self):
        self.assertEqual(len(layers.check_unknown_folders({"common/helpers/a.h": GUARD})), 1)
        self.assertEqual(layers.check_unknown_folders({"common/base/a.h": GUARD, "common/CMakeLists.txt": ""}), [])


class Pure(unittest.TestCase):
    def test_banned_tokens_are_reported(self):
        for code in [
            "auto t = absl::Now();", "auto t = std::chrono::steady_clock::now();", "using C = X; auto t = system_clock::now();",
            "clock_gettime(CLOCK_MONOTONIC, &t);", "auto t = time(nullptr);", "auto t = std::time(0);", "std::mutex m;",
            "absl::Mutex m;", "std::thread t;", "std::this_thread::yield();", "std::condition_variable_any c;",
            "std::atomic<int> a;", "std::random_device d;", "int x = rand();", "std::ifstream f;", "std::filesystem::path p;",
            "FILE* f = fopen(p, q);", "int fd = ::open(p, 0);", "int fd = ::socket(1, 2, 3);", "auto v = getenv(n);",
            "boost::asio::io_context io;", "grpc::Status s;", "std::cerr << x;", "thread_local int x;", "usleep(1);",
        ]:
            with self.subTest(code=code):
                self.assertEqual(len(layers.check_pure({"common/limits/a.cc": code})), 1)

    def test_banned_headers_are_reported(self):
        for header in ["thread", "mutex", "atomic", "fstream", "sys/socket.h", "unistd.h", "boost/asio/io_context.hpp",
                       "grpcpp/grpcpp.h", "absl/synchronization/mutex.h", "time.h"]:
            with self.subTest(header=header):
                for folder in ("common/http", "dataplane/http"):
                    self.assertEqual(len(layers.check_pure({f"{folder}/a.h": f"#include <{header}>\n"})), 1)

    def test_look_alikes_are_not(self):
        for code in [
            "// std::mutex would be wrong here", 'auto s = "absl::Now()";', "auto t = now.wall;", "request.time(0);",
            "auto x = window->time();", "int operand(int);", "auto t = absl::UnixEpoch();", "Now now;", "cooldown.open(now);",
            "#include <chrono>\n", "reader.read(b);", "std::mt19937_64 g(seed);",
        ]:
            with self.subTest(code=code):
                self.assertEqual(layers.check_pure({"common/limits/a.cc": code}), [])

    def test_other_folders_and_the_allowed_files_may(self):
        code = "auto t = absl::Now(); std::mutex m;"
        for path in ["common/io/a.cc", "dataplane/request/a.cc", "common/base/clock.cc", "tests/common/limits/a_test.cc"]:
            self.assertEqual(layers.check_pure({path: code}), [])
        self.assertNotEqual(layers.check_pure({"common/base/text.cc": code}), [])


class HouseRules(unittest.TestCase):
    def test_long_files_are_reported(self):
        self.assertEqual(len(house_rules.check_length({"common/base/a.cc": "\n" * 500})), 1)
        self.assertEqual(house_rules.check_length({"common/base/a.cc": "\n" * 499, "tests/data/a.jsonl": "\n" * 9000}), [])

    def test_unfinished_work_is_reported(self):
        for word in ["TO" "DO", "FIX" "ME", "X" "XX", "good enough for" " now"]:
            with self.subTest(word=word):
                self.assertEqual(len(house_rules.check_unfinished({"a.cc": f"int a;  // {word}: later\n"})), 1)
                self.assertEqual(len(house_rules.check_unfinished({"README.md": f"{word}\n"})), 1)
        self.assertEqual(house_rules.check_unfinished({"a.cc": "// for nowhere; MASTODON; XXXL\n"}), [])

    def test_missing_guards_are_reported(self):
        self.assertEqual(len(house_rules.check_guards({"a.h": "#include <vector>\n#pragma once\n"})), 1)
        self.assertEqual(len(house_rules.check_guards({"a.h": "// #pragma once\n"})), 1)
        self.assertEqual(house_rules.check_guards({"a.h": "// About a.\n\n#pragma once\n", "a.cc": "int a;\n"}), [])

    def test_sleeping_tests_are_reported(self):
        code = "std::this_thread::sleep_for(x);\n"
        self.assertEqual(len(house_rules.check_sleeps({"tests/common/a_test.cc": code})), 1)
        self.assertEqual(house_rules.check_sleeps({"tests/sim/pace.cc": code, "tests/b_test.cc": "// sleep_for\n"}), [])

    def test_banners_are_reported(self):
        self.assertEqual(len(house_rules.check_banners({"a.cc": "// ---------- Section\n"})), 1)
        self.assertEqual(len(house_rules.check_banners({"a.cc": "/*****\n*/\n"})), 1)
        self.assertEqual(house_rules.check_banners({"a.cc": 'auto s = "// ----------";  // a -- b\n'}), [])

    def test_sources_that_nothing_builds_are_reported(self):
        files = {"common/base/CMakeLists.txt": "chain429_library(x SOURCES a.cc deep/b.cc)  # c.cc\n", "common/base/a.cc": "",
                 "common/base/deep/b.cc": ""}
        self.assertEqual(house_rules.check_build_lists(files), [])
        self.assertEqual(len(house_rules.check_build_lists({**files, "common/base/c.cc": "", "common/base/deep/a.cc": ""})), 1 + 1)
        del files["common/base/a.cc"]
        self.assertEqual(house_rules.check_build_lists(files), ["common/base/CMakeLists.txt: names a.cc, which is not there"])

    def test_paths_that_are_gone_are_reported(self):
        files = {"ARCHITECTURE.md": "See `common/{base,gone}/` and `dataplane/main.cc`.\n", "common/base/a.h": GUARD,
                 "dataplane/main.cc": ""}
        self.assertEqual(house_rules.check_named_paths(files), ["ARCHITECTURE.md:1: names common/gone/, which is not there"])

    def test_folders_that_are_not_named_are_reported(self):
        files = {"ARCHITECTURE.md": "`common/base/`\n", "common/base/a.h": GUARD, "common/model/b.h": GUARD}
        self.assertEqual(house_rules.check_all_folders_named(files), ["ARCHITECTURE.md: does not name `common/model/`"])


if __name__ == "__main__":
    unittest.main()
