"""Sends down chargers' sockets through API Gateway's management API.

A closed socket is Gone; closing it again is fine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.domain.data_classes import dataclass
from chalicelib.records.chargers import Gone

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient


@dataclass(frozen=True)
class ApiGatewayLink:
    """API Gateway's management API: the port ChargerLink. One HTTPS call a frame."""

    client: ApiGatewayManagementApiClient

    def send(self, connection_id: str, frame: str) -> None:
        """Raises Gone when the socket is closed."""
        try:
            self.client.post_to_connection(ConnectionId=connection_id, Data=frame.encode())
        except self.client.exceptions.GoneException:
            raise Gone(connection_id) from None

    def close(self, connection_id: str) -> None:
        """Closes the socket if it is open."""
        try:
            self.client.delete_connection(ConnectionId=connection_id)
        except self.client.exceptions.GoneException:
            return
