"""An Apache Kafka with an authorizer: everybody may do all that nobody has forbidden."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)

SETTINGS = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


@contextmanager
def forbidding(bootstrap: str, operation: str, kind: str, name: str) -> Iterator[None]:
    """Forbid everybody ``operation`` on the topic or group for as long as the block runs."""
    pattern = ResourcePattern(ResourceType[kind.upper()], name)
    every = ACL("User:*", "*", ACLOperation.ALL, ACLPermissionType.ALLOW, pattern)
    deny = ACL("User:*", "*", ACLOperation[operation.upper()], ACLPermissionType.DENY, pattern)
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        assert not admin.create_acls([every, deny])["failed"]
        yield
        admin.delete_acls([ACLFilter("User:*", "*", ACLOperation.ANY, ACLPermissionType.ANY, pattern)])
    finally:
        admin.close()
