"""`valet doctor`: an audit of a deployment: what is wrong, why it matters, and the command that mends it."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import click
from rich.text import Text
from valet.log import printable

from admin.desk import Desk, counted
from admin.doctor import CHECKS, examine, rfc9700
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding, Skipped
from admin.options import words
from admin.terminal.endings import FOUND_WRONG

_NAMES = frozenset(check.name for check in CHECKS)


@click.command()
@click.option(
    "--only", multiple=True, callback=words, help="Run only these checks, such as keys.kms, or keys for all of them."
)
@click.option("--strict", is_flag=True, help="Exit with 1 also for warnings and for checks that were skipped.")
@click.pass_context
def doctor(ctx: click.Context, only: frozenset[str] | None, strict: bool) -> None:
    """Audit the deployment. Each finding says what is wrong, why it matters, and which command mends it.

    The command changes nothing. The exit status is 1 if something is wrong, and 0 for warnings alone, unless --strict.
    """
    desk = ctx.ensure_object(Desk)
    checks = [check for check in CHECKS if only is None or only & {check.name, check.name.partition(".")[0]}]
    if not checks:
        raise click.UsageError("No check matches --only. These checks exist: " + ", ".join(sorted(_NAMES)))

    def wait(seconds: float) -> None:
        desk.watch(f"Something may have been changed just now. Looking again in {seconds:.0f} seconds …")
        desk.sleep(seconds)

    findings, skipped = examine(Evidence(desk.deployment, desk.clock(), wait), checks)
    findings = [replace(finding, mend=_whole(desk.in_full(finding.mend))) for finding in findings]
    rules = rfc9700.judged(findings, skipped) if only is None else []
    if desk.is_json:
        desk.show(
            {
                "findings": [asdict(finding) for finding in findings],
                "skipped": [asdict(each) for each in skipped],
                "rfc9700": rules,
                "checks": [check.name for check in checks],
            }
        )
    else:
        _print(desk, findings, skipped, len(checks))
        if rules:
            desk.say("\nRFC 9700, rule by rule")
            desk.list(rules, "section", "rule", "status", "how")
    is_wrong = any(finding.is_error for finding in findings) or (strict and bool(findings or skipped))
    if is_wrong:
        ctx.exit(FOUND_WRONG)


def _print(desk: Desk, findings: Sequence[Finding], skipped: Sequence[Skipped], checks: int) -> None:
    for finding in findings:
        mark = Text("wrong  ", "bold red") if finding.is_error else Text("warning", "yellow")
        desk.out.print(
            Text.assemble(mark, f" {printable(finding.what)} ", (f"[{finding.check}]", "dim")), soft_wrap=True
        )
        desk.out.print(Text(f"        {printable(finding.why)}"), soft_wrap=True)
        desk.out.print(Text(f"        → {printable(finding.mend)}", style="cyan"), soft_wrap=True)
    for each in skipped:
        line = Text.assemble(("skipped", "dim"), f" {each.check}: {printable(each.reason)}")
        desk.out.print(line, soft_wrap=True)
    wrong = sum(finding.is_error for finding in findings)
    desk.say(
        f"{counted(checks, 'check')}: {wrong} wrong, {counted(len(findings) - wrong, 'warning')}, "
        f"{len(skipped)} not looked at, in "
        f"{desk.deployment.where}."
    )


def _whole(mend: str) -> str:
    """Strip the backticks of a mend that is only a command, so that the operator can paste it."""
    is_whole = mend.startswith("`") and mend.endswith("`") and mend.count("`") == 2
    return mend[1:-1] if is_whole else mend
