"""The port Documents: what is stored of them, and the function that fetches one."""

from valet.aws.calls import CallFailed, Calls
from valet.aws.dynamodb.documents import DynamoDocuments
from valet.errors import TemporarilyUnavailable
from valet.frozen import Frozen
from valet.models.unknown_clients import Document
from valet.ports.unknown_clients import Outcome


class FetchedDocuments(Frozen):
    """The port Documents."""

    stored: DynamoDocuments
    functions: Calls
    fetch_function: str  # empty: this function may not invoke it

    def find(self, url: str) -> Document | None:
        return self.stored.find(url)

    def refresh(self, url: str, source_ip: str, *, is_trusted: bool) -> Outcome:
        asked = {"url": url, "source_ip": source_ip, "is_trusted": is_trusted}
        try:
            answer = self.functions("Invoke", {"FunctionName": self.fetch_function, "Payload": asked})
            outcome = Outcome(answer.get("outcome"))
        except CallFailed as failed:
            raise TemporarilyUnavailable(detail=f"Lambda Invoke fetch: {failed.code}") from failed
        except ValueError:
            raise TemporarilyUnavailable(detail="Lambda Invoke fetch: an answer of no known kind") from None
        self.stored.forget(url)
        return outcome
