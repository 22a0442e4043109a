#!/usr/bin/env python3
"""mteb_test.py PROGRAM MODEL IMAGE: mteb's wrapper of OpenAI-like servers runs all of mteb's mock tasks of texts and images
against `e5v serve`, as docs/serving.md writes it. The mock tasks come with mteb; nothing is downloaded."""
import os
import unittest

os.environ["HF_HUB_OFFLINE"] = "1"  # before what reads it

import mteb
from mteb.models import OpenAIAPIEncodeWrapper
from served import Server, code_of, documented_clients

TASKS = 43  # those of mteb 2.26.24 whose modalities are texts and images


class Mteb(unittest.TestCase):
    def test_mock_tasks(self):
        code = code_of(documented_clients()["mteb"])[0]
        for prompts in ["e5v", "mteb"]:
            server = Server("--prompts", prompts, name="e5-v")
            self.addCleanup(server.stop)
            names = {"OpenAIAPIEncodeWrapper": OpenAIAPIEncodeWrapper, "mteb": Mock, "tasks": "mock"}
            results = eval(code.replace("http://localhost:8080", server.url), names)
            ran = {name: status for name, status in results.items() if status is not None}
            print(results.to_markdown())
            self.assertEqual(len(ran), TASKS)
            for name, status in ran.items():
                self.assertIsInstance(status, mteb.TaskResult, f"{name}: {status}")


class Mock:
    """What stands for mteb in the line of the guide: it runs the mock tasks in place of tasks with data."""

    @staticmethod
    def evaluate(model, tasks):
        assert tasks == "mock"
        return mteb.mock_run(model)


if __name__ == "__main__":
    unittest.main()
