"""The DynamoDB tables: those with lasting data can be restored and cannot be deleted, and expired items are removed."""

from collections.abc import Iterator

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding
from admin.terminal.spelling import command

_KEPT = (("RegistryTable", "clients, scopes and key records"), ("UsersTable", "accounts and credentials"))

_EXPIRING = (
    ("UsersTable", "It keeps the addresses that people gave up. A restored table does not delete them."),
    ("GrantsTable", "It grows, and so does its cost."),
)


def look_recovery(evidence: Evidence) -> Iterator[Finding]:
    for output, what in _KEPT:
        table = evidence.deployment.output(output)
        description = evidence.deployment.dynamodb.describe_continuous_backups(TableName=table)
        recovery = description["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
            yield Finding(
                f"{table} has no point-in-time recovery",
                f"It holds {what}: without it, a mistake cannot be undone. A restored table does not have it.",
                command(
                    "aws dynamodb update-continuous-backups --table-name",
                    table,
                    "--point-in-time-recovery-specification",
                    "PointInTimeRecoveryEnabled=true",
                ),
            )


def look_protection(evidence: Evidence) -> Iterator[Finding]:
    for output, what in _KEPT:
        table = evidence.deployment.output(output)
        if not evidence.described_table(table).get("DeletionProtectionEnabled"):
            yield Finding(
                f"{table} can be deleted",
                f"It holds {what}, and one call can delete it. A restored table does not have the protection.",
                command("aws dynamodb update-table --table-name", table, "--deletion-protection-enabled"),
            )


def look_expiry(evidence: Evidence) -> Iterator[Finding]:
    for output, why in _EXPIRING:
        table = evidence.deployment.output(output)
        ttl = evidence.deployment.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        attribute = ttl.get("AttributeName")
        if ttl.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING") or attribute != "expires_at":
            yield Finding(
                f"Items of {table} do not expire by expires_at",
                f"{why} Expired items are still refused, because every read compares the time.",
                command(
                    "aws dynamodb update-time-to-live --table-name",
                    table,
                    "--time-to-live-specification",
                    "Enabled=true,AttributeName=expires_at",
                ),
            )


CHECKS = (
    Check("tables.recovery", look_recovery),
    Check("tables.deletion-protection", look_protection),
    Check("tables.expiry", look_expiry),
)
