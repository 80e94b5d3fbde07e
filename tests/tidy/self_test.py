"""Each check refuses a sample it was made to refuse, and takes the same sample when it is mended."""

import os
import tempfile
import unittest

import check_includes
import check_json
import check_length
import check_orphans
import check_pipes
import check_purity
import check_tags
import check_verdicts
import check_words


class Tree:
    """A small source tree in a temporary folder."""

    def __init__(self, files):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        for path, text in files.items():
            full = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)

    def __enter__(self):
        return self.root

    def __exit__(self, *_):
        self.folder.cleanup()


class Includes(unittest.TestCase):
    def complaints(self, path, included):
        with Tree({path: f'#include "{included}"\n'}) as root:
            return len(check_includes.check(root))

    def test_table(self):
        for path, included, expected in [
            ("kernels/base/a.h", "kernels/mean.h", 1),
            ("kernels/a.cc", "kernels/base/check.h", 0),
            ("kernels/a.cc", "contracts/rule.h", 1),
            ("contracts/a.cc", "kernels/base/check.h", 0),
            ("contracts/a.cc", "kernels/mean.h", 1),
            ("contracts/a.cc", "ledger/hash.h", 1),
            ("ledger/a.cc", "contracts/rule.h", 0),
            ("ledger/a.cc", "kernels/mean.h", 0),
            ("ledger/a.cc", "coordinator/round/round.h", 1),
            ("coordinator/a.cc", "ledger/hash.h", 0),
            ("coordinator/a.cc", "worker/session.h", 1),
            ("worker/a.cc", "coordinator/protocol/messages.h", 0),
            ("worker/a.cc", "coordinator/round/round.h", 1),
            ("worker/a.cc", "tests/support/paths.h", 1),
            ("worker/a.cc", "session.h", 1),
            ("tests/worker/a_test.cc", "worker/session.h", 0),
        ]:
            with self.subTest(path=path, included=included):
                self.assertEqual(self.complaints(path, included), expected)

    def test_torch(self):
        with Tree({"coordinator/a.cc": "#include <torch/torch.h>\n"}) as root:
            self.assertEqual(len(check_includes.check(root)), 1)

    def test_comment_is_no_include(self):
        with Tree({"kernels/a.cc": '/*\n#include "worker/a.h"\n*/ // #include "worker/b.h"\n'}) as root:
            self.assertEqual(check_includes.check(root), [])


class Json(unittest.TestCase):
    def test_table(self):
        for text, expected in [
            ("auto a = value.dump();", 1),
            ("auto a = value->dump(2);", 1),
            ("auto a = json{{1, 2}}\n    .dump (-1, ' ', false, Json::error_handler_t::replace);", 1),
            ("auto a = json_text(value); // not value.dump()", 0),
            ("dump(file); core_dump(); x.dumped();", 0),
        ]:
            with self.subTest(text=text), Tree({"ledger/a.cc": text, "ledger/json_text.h": "value.dump()"}) as root:
                self.assertEqual(len(check_json.check(root)), expected)


class Purity(unittest.TestCase):
    def complaints(self, text, exceptions=""):
        with Tree({"ledger/a.cc": '#include "ledger/a.h"\n', "ledger/a.h": text, "list": "",
                   "tests/tidy/exceptions.txt": exceptions}) as root:
            listing = os.path.join(root, "list")
            with open(listing, "w", encoding="utf-8") as file:
                file.write(os.path.join(root, "ledger/a.cc") + "\n")
            return check_purity.check(root, listing)

    def test_refused(self):
        for text in [
            "auto now = std::chrono::steady_clock::now();",
            "long now = time(nullptr);",
            "long now = std::time(0);",
            "gettimeofday(&value, nullptr);",
            "std::this_thread::sleep_for(delay);",
            "std::random_device seed;",
            "std::mt19937_64 dice{seed};",
            "int x = rand();",
            "RAND_bytes(out, 32);",
            "std::unordered_map<int, int> table;",
            "zmq_send(socket, bytes, size, 0);",
            "#include <sys/socket.h>",
            "#include <filesystem>",
            "std::ifstream file(path);",
            'const char* home = getenv("HOME");',
            "std::thread worker(run);",
            "std::mutex lock;",
        ]:
            with self.subTest(text=text):
                self.assertTrue(self.complaints(text + "\n"))

    def test_taken(self):
        for text in [
            "// steady_clock is not for us",
            'const char* text = "time(nullptr)";',
            "std::uint64_t time() const;  // no call: a declaration of the header's own",
            "event.time(); event->clock();",
            "std::map<int, int> table;",
            "int operand = 1; int brand(int);",
            "constexpr int kMillion = 1'000'000; std::int64_t time_ms = 0;",
        ]:
            with self.subTest(text=text):
                # A member function named time with empty brackets cannot be told from the call.
                if "declaration" not in text:
                    self.assertEqual(self.complaints(text + "\n"), [])

    def test_exception_needs_a_use_and_a_reason(self):
        thread = "std::thread worker(run);\n"
        self.assertEqual(self.complaints(thread, "purity ledger/a.h:thread: divides sums\n"), [])
        self.assertTrue(self.complaints("int x;\n", "purity ledger/a.h:thread: divides sums\n"))
        with self.assertRaises(SystemExit):
            self.complaints(thread, "purity ledger/a.h:thread\n")

    def test_empty_list(self):
        with Tree({"list": ""}) as root:
            self.assertTrue(check_purity.check(root, os.path.join(root, "list")))


class Length(unittest.TestCase):
    def complaints(self, text, path="ledger/a.cc"):
        with Tree({path: text}) as root:
            return check_length.check(root)

    def test_file(self):
        self.assertEqual(self.complaints("int a;\n" * 400), [])
        self.assertEqual(len(self.complaints("int a;\n" * 401)), 1)

    def test_function(self):
        for head in ("int f() {", "void A::f(int a) const {", "namespace n {\nstruct A {\nint f() {",
                     'TEST_CASE("a { b") {', "A::A(int a) : a_(a) {", "template <class T>\nT f(T t) {"):
            with self.subTest(head=head):
                tail = "}\n" * head.count("{") if "TEST" not in head else "}\n"
                short = head + "\n" + "  if (a) { b({1, 2}); }\n" * 68 + tail
                long = head + "\n" + "  if (a) { b({1, 2}); }\n" * 69 + tail
                self.assertEqual(self.complaints(short), [])
                self.assertEqual(len(self.complaints(long)), 1)

    def test_table_of_a_test(self):
        table = "std::vector<Case> round_cases() {\n  return {\n" + "      {1, ok},\n" * 80 + "  };\n}\n"
        self.assertEqual(self.complaints(table, "tests/a.cc"), [])
        self.assertEqual(len(self.complaints(table)), 1)

    def test_containers_are_not_functions(self):
        body = "int f() {\n  return 1;\n}\n" * 40
        self.assertEqual(self.complaints("namespace n {\nclass A : public B {\n" + body + "};\n}\n"), [])
        self.assertEqual(self.complaints("constexpr int kTable[] = {\n" + "  1,\n" * 100 + "};\n"), [])


class Orphans(unittest.TestCase):
    def test_source(self):
        with Tree({"ledger/a.cc": "", "ledger/CMakeLists.txt": "gradmint_library(x PURE SOURCES b.cc) # a.cc\n",
                   "ledger/b.cc": ""}) as root:
            self.assertEqual(check_orphans.check(root), ["ledger/a.cc: stands in no CMake source list"])

    def test_source_listed_from_above(self):
        with Tree({"ledger/sub/a.cc": "",
                   "ledger/CMakeLists.txt": "gradmint_library(x PURE SOURCES sub/a.cc DEPS $<IF:1,b,c>)\n"}) as root:
            self.assertEqual(check_orphans.check(root), [])

    def test_header(self):
        files = {"ledger/a.h": "", "ledger/b.cc": "", "ledger/CMakeLists.txt": "add_library(x b.cc)\n"}
        with Tree(files) as root:
            self.assertEqual(check_orphans.check(root), ["ledger/a.h: is included by nothing"])
        files["ledger/b.cc"] = '#include "ledger/a.h"\n'
        with Tree(files) as root:
            self.assertEqual(check_orphans.check(root), [])

    def test_loop(self):
        lists = "foreach(name a_test b_test)\n  gradmint_test(${name} SOURCES ${name}.cc)\nendforeach()\n"
        with Tree({"tests/a_test.cc": "", "tests/b_test.cc": "", "tests/CMakeLists.txt": lists}) as root:
            self.assertEqual(check_orphans.check(root), [])
        with Tree({"tests/c_test.cc": "", "tests/CMakeLists.txt": lists}) as root:
            self.assertEqual(len(check_orphans.check(root)), 1)

    def test_objects(self):
        lists = "add_library(cases OBJECT a_test.cc)\n"
        with Tree({"tests/a_test.cc": "", "tests/CMakeLists.txt": lists}) as root:
            self.assertEqual(len(check_orphans.check(root)), 1)
        lists += "gradmint_test(t SOURCES $<TARGET_OBJECTS:cases>)\n"
        with Tree({"tests/a_test.cc": "", "tests/CMakeLists.txt": lists}) as root:
            self.assertEqual(check_orphans.check(root), [])

    def test_unregistered_test(self):
        with Tree({"tests/a_test.cc": "", "tests/CMakeLists.txt": "add_executable(a_test a_test.cc)\n"}) as root:
            self.assertEqual(len(check_orphans.check(root)), 1)
        with Tree({"tests/a_test.cc": "", "tests/CMakeLists.txt": "gradmint_test(a_test SOURCES a_test.cc)\n"}) as root:
            self.assertEqual(check_orphans.check(root), [])


class Pipes(unittest.TestCase):
    def complaints(self, line, options="set -euo pipefail"):
        with Tree({"scripts/a": f"#!/usr/bin/env bash\n{options}\n{line}\n"}) as root:
            return check_pipes.check(root)

    def test_table(self):
        for line, expected in [
            # the line that told every bare machine that Debian has no build-essential
            ("  apt-cache policy \"$package\" 2>/dev/null | grep -q 'Candidate: [^(]' ||", 1),
            ("gpu=$(nvidia-smi --format=csv 2> /dev/null | head -n 1) ||", 1),
            ("find . -name '*.deb' | sort | head -n 1", 1),
            ("a 2>&1 |& grep -m 1 x", 1),
            ("a | LC_ALL=C grep -E --max-count=1 x", 1),
            ("a | sudo grep -Fxq x", 1),
            ("a |\n  grep -q x", 1),
            ("a \\\n  | head", 1),
            ("a | sed -n '/x/{p;q}'", 1),
            ("a | sed 1q", 1),
            ("a | awk '/x/ { print; exit }'", 1),
            ("a | read -r word", 1),
            ("bash -c 'a | head -n 1'", 1),
            ("a | grep x | tail -n 1", 0),
            ("a | grep -- '-q'", 0),
            ("a | sed -n 's/^installed //p'", 0),
            ("a | awk 'NF != 65 { bad = 1 } END { exit bad }'", 0),
            ("grep -q x <<<\"$said\" || head -n 1 file", 0),
            ("head -n 1 file | tr a b", 0),
            ("a >| head", 0),
            ("# a | head -n 1", 0),
            ("python3 - <<'PYTHON'\na | head\nPYTHON", 0),
            ("python3 - <<'PYTHON'\nx\nPYTHON\na | head", 1),
        ]:
            with self.subTest(line=line):
                self.assertEqual(len(self.complaints(line)), expected)

    def test_names_the_line(self):
        self.assertEqual(self.complaints("a \\\n  b |\n  head -n 1"),
                         ["scripts/a:5: 'head -n 1' may stop reading early"])

    def test_only_where_it_matters(self):
        self.assertEqual(self.complaints("a | head", options="set -eu"), [])
        with Tree({"scripts/a": "#!/usr/bin/env python3\nset -o pipefail\na | head\n"}) as root:
            self.assertEqual(check_pipes.check(root), [])


class Tags(unittest.TestCase):
    HEADER = ('// a u8 ‖ b\n// 32; the worker; what\n// it is for\n'
              'inline constexpr std::string_view kOne = "gradmint/one/v1";\n')
    PAGE = "| `gradmint/one/v1` | a u8 ‖ b 32 | the worker | what it is for |\n"

    def complaints(self, code, header=HEADER, page=PAGE):
        with Tree({"ledger/tags.h": header, "ledger/a.cc": code, "docs/ledger.md": page}) as root:
            return len(check_tags.check(root))

    def test_uses(self):
        one = "return tagged_hash(tag::kOne, w.view());\n"
        for code, expected in [
            (one, 0),
            ("", 1),  # a tag that nothing uses
            (one + one, 1),  # two layouts may stand behind it
            (one + 'return tagged_hash("gradmint/two/v1", bytes);\n', 1),
            (one + "return tagged_hash(name, bytes);\n", 1),
            (one + "return tagged_hash(transaction_tag(t.type), bytes);\n", 0),
            (one + "Hash tagged_hash(std::string_view tag, ByteView bytes) {\n", 0),
            (one + '// tagged_hash("gradmint/two/v1", x)\n', 0),
        ]:
            with self.subTest(code=code):
                self.assertEqual(self.complaints(code), expected)

    def test_page(self):
        code = "return tagged_hash(tag::kOne, w.view());\n"
        self.assertEqual(self.complaints(code, page=""), 1)
        self.assertEqual(self.complaints(code, page=self.PAGE + self.PAGE), 1)
        self.assertEqual(self.complaints(code, page=self.PAGE.replace("32", "33")), 2)
        self.assertEqual(self.complaints(code, page=self.PAGE + "| `gradmint/two/v1` | x | y | z |\n"), 1)

    def test_header(self):
        code = "return tagged_hash(tag::kOne, w.view());\n"
        self.assertTrue(self.complaints(code, header=self.HEADER.replace(";", ",", 1)))
        self.assertTrue(self.complaints(code, header=self.HEADER + 'inline constexpr std::string_view kTwo = "x";\n'))


class Verdicts(unittest.TestCase):
    def complaints(self, code="return Verdict::late;", number=43, page="| 43 | `late` | too late |\n", name="late"):
        files = {"ledger/verdict.h": f"enum class Verdict : int {{\n  ok = 0,\n  late = {number},  // so\n}};\n",
                 "ledger/verdict.cc": f'{{Verdict::ok, "ok"}}, {{Verdict::late, "{name}"}}',
                 "ledger/a.cc": "return Verdict::ok; " + code, "docs/verdicts.md": page}
        with Tree(files) as root:
            return len(check_verdicts.check(root))

    def test_table(self):
        self.assertEqual(self.complaints(), 0)
        self.assertEqual(self.complaints(code=""), 1)
        self.assertEqual(self.complaints(code="if (v == Verdict::late) f();"), 1)
        self.assertEqual(self.complaints(code="if (Verdict::late != v) f();"), 1)
        self.assertEqual(self.complaints(code="switch (v) { case Verdict::late: f(); }"), 1)
        self.assertEqual(self.complaints(code="// Verdict::late"), 1)
        self.assertEqual(self.complaints(code="x = v == Verdict::ok ? Verdict::late : v;"), 0)
        self.assertEqual(self.complaints(name="lat"), 1)
        self.assertEqual(self.complaints(page=""), 1)
        self.assertEqual(self.complaints(page="| 44 | `late` | too late |\n"), 2)
        self.assertEqual(self.complaints(number=0, page="| 0 | `late` | too late |\n"), 2)
        self.assertEqual(self.complaints(page="| 43 | `late` | x |\n| 42 | `early` | x |\n"), 2)


class Words(unittest.TestCase):
    def test_table(self):
        for text, expected in [
            ("// TODO later\n", 1),
            ("// a stub for now\n", 1),
            ("class MockSocket;\n", 0),  # whole words only
            ("int mock = 0;\n", 1),
            ("// placeholder\n", 1),
            ("// stubborn\n", 0),
            ("path = /" "work/main\n", 1),
            ("path = /home/ann/x\n", 1),
            ("build/" "work/x and ${root}/" "work/y\n", 0),
        ]:
            with self.subTest(text=text), Tree({"ledger/a.cc": text}) as root:
                self.assertEqual(len(check_words.check(root)), expected)

    def test_scripts_have_no_suffix(self):
        with Tree({"scripts/demo": "# FIXME\n"}) as root:
            self.assertEqual(len(check_words.check(root)), 1)


if __name__ == "__main__":
    unittest.main()
