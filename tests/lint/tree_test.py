"""The house rules, applied to the project's files. What each rule means is in layers.py and house_rules.py."""

import unittest

import house_rules
import layers
from source import project_files, project_root

FILES = project_files(project_root())


class Tree(unittest.TestCase):
    def expect_nothing(self, found):
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_layers_point_one_way(self):
        self.expect_nothing(layers.check_edges(FILES))

    def test_every_common_folder_has_a_layer(self):
        self.expect_nothing(layers.check_unknown_folders(FILES))

    def test_pure_folders_touch_no_clock_thread_file_or_socket(self):
        self.expect_nothing(layers.check_pure(FILES))

    def test_files_are_short(self):
        self.expect_nothing(house_rules.check_length(FILES))

    def test_nothing_is_left_unfinished(self):
        self.expect_nothing(house_rules.check_unfinished(FILES))

    def test_headers_have_pragma_once(self):
        self.expect_nothing(house_rules.check_guards(FILES))

    def test_tests_do_not_sleep(self):
        self.expect_nothing(house_rules.check_sleeps(FILES))

    def test_comments_have_no_banners(self):
        self.expect_nothing(house_rules.check_banners(FILES))

    def test_every_source_is_built(self):
        self.expect_nothing(house_rules.check_build_lists(FILES))

    def test_documents_name_paths_that_exist(self):
        self.expect_nothing(house_rules.check_named_paths(FILES))

    def test_architecture_names_every_folder(self):
        self.expect_nothing(house_rules.check_all_folders_named(FILES))


if __name__ == "__main__":
    unittest.main()
