"""What the model has explored is printed at the end of the run, also where workers did it."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())]
    for name in ("explored", "seeded"):
        lines = [str(value) for report in reports for key, value in report.user_properties if key == name]
        if lines:
            terminalreporter.section(f"model: {name}")
            terminalreporter.write_line("\n".join(lines))
