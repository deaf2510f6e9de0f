"""Keys by curl: LiteLLM's documented key management."""

from typing import Any

from flask import Blueprint

from selfserve.blueprints.keys.text import as_table
from selfserve.errors import Conflict, NotFound
from selfserve.permissions import Permission
from selfserve.schemas.keys import (
    KeyAliases,
    KeyAliasQuery,
    KeyAnswer,
    KeyCreate,
    KeyDelete,
    KeyGenerated,
    KeyHealth,
    KeyInfo,
    KeyList,
    KeyListQuery,
    KeyName,
    KeyNames,
    KeyQuery,
    KeyRegenerate,
    KeysDeleted,
    KeysInfo,
    KeyUpdate,
    KeyUpdated,
)
from selfserve.services import key_changes, key_deletes, key_lists, key_rotation, keys
from selfserve.services.key_names import without_secret
from selfserve.services.keys import KeyCreated
from selfserve.web.guards import current_actor, requires
from selfserve.web.render import accepts, raises, returns, validated

api = Blueprint("keys_api", __name__)


@api.post("/key/generate")
@requires(Permission.KEY_CREATE)
@accepts(KeyCreate)
@returns(KeyGenerated)
@raises(NotFound, Conflict)
def generate(command: KeyCreate) -> KeyGenerated:
    """Make a key: its secret is shown here and never again."""
    return _revealed(keys.create_key(current_actor(), command), command.duration)


@api.post("/key/regenerate")
@requires(Permission.KEY_ROTATE)
@accepts(KeyRegenerate)
@returns(KeyGenerated)
@raises(NotFound, Conflict)
def regenerate(command: KeyRegenerate) -> KeyGenerated:
    """Rotate a key: a new secret for the same key; the old one stops, or works for `grace_period` more."""
    return _revealed(key_rotation.rotate_key(current_actor(), command), command.duration)


@api.post("/key/<key>/regenerate")
@requires(Permission.KEY_ROTATE)
@accepts(KeyRegenerate, is_optional=True)
@returns(KeyGenerated)
@raises(NotFound, Conflict)
def regenerate_named(command: KeyRegenerate, key: str) -> KeyGenerated:
    """Rotate the key that the address names by its hash, id or secret; the body may be left out."""
    asked = command.model_copy(update={"key": validated(KeyName, {"key": key}).key})
    return _revealed(key_rotation.rotate_key(current_actor(), asked), asked.duration)


@api.post("/key/grace/end")
@requires(Permission.KEY_ROTATE)
@accepts(KeyName)
@returns(KeyUpdated)
@raises(NotFound)
def end_grace(command: KeyName) -> Any:
    """Stop the secret before the current one at once."""
    return key_rotation.end_grace(current_actor(), command.key)


@api.get("/key/info")
@requires(Permission.KEY_READ)
@accepts(KeyQuery)
@returns(KeyInfo, text=as_table)
@raises(NotFound)
def info(query: KeyQuery) -> Any:
    """Show a key; without `key` the one that asks. With `Accept: text/plain` it is a table for a terminal."""
    actor = current_actor()
    key = keys.get_key(actor, query.key or (actor.key.token_hash if actor.key else ""))
    return {"key": key.token, "info": key}


@api.get("/key/list")
@requires(Permission.KEY_READ)
@accepts(KeyListQuery)
@returns(KeyList)
def list_all(query: KeyListQuery) -> Any:
    """List keys by numbered pages: hashes, or whole rows with `return_full_object`."""
    page = key_lists.list_keys(current_actor(), query)
    shown = (
        [KeyAnswer.model_validate(key) for key in page.keys]
        if query.return_full_object
        else [key.token for key in page.keys]
    )
    return {"keys": shown, "total_count": page.total, "current_page": query.page, "total_pages": page.total_pages}


@api.get("/key/aliases")
@requires(Permission.KEY_READ)
@accepts(KeyAliasQuery)
@returns(KeyAliases)
def aliases(query: KeyAliasQuery) -> Any:
    """List the names of keys by numbered pages."""
    page = key_lists.list_aliases(current_actor(), query)
    return {
        "aliases": [key.alias for key in page.keys],
        "total_count": page.total,
        "current_page": query.page,
        "total_pages": page.total_pages,
        "size": query.size,
    }


@api.post("/v2/key/info")
@requires(Permission.KEY_READ)
@accepts(KeyNames)
@returns(KeysInfo)
def info_v2(command: KeyNames) -> Any:
    """Show several keys; what is not in the caller's sight is left out."""
    sent = [without_secret(name) for name in command.keys or []] + (command.key_aliases or [])
    return {"key": sent, "info": key_lists.find_keys(current_actor(), command)}


@api.route("/key/health", methods=["GET", "POST"])
@requires(Permission.KEY_READ)
@returns(KeyHealth)
def health() -> KeyHealth:
    """Say that the key that asks works: a blocked or expired one would not get here."""
    return KeyHealth()


@api.post("/key/update")
@requires(Permission.KEY_UPDATE)
@accepts(KeyUpdate)
@returns(KeyUpdated)
@raises(NotFound, Conflict)
def update(command: KeyUpdate) -> Any:
    """Change a key; what is not named stays, an explicit null clears."""
    return key_changes.update_key(current_actor(), command)


@api.post("/key/block")
@requires(Permission.KEY_BLOCK)
@accepts(KeyName)
@returns(KeyUpdated)
@raises(NotFound)
def block(command: KeyName) -> Any:
    """Block a key: it stops at once."""
    return key_changes.block_key(current_actor(), command.key)


@api.post("/key/unblock")
@requires(Permission.KEY_BLOCK)
@accepts(KeyName)
@returns(KeyUpdated)
@raises(NotFound)
def unblock(command: KeyName) -> Any:
    """Unblock a key."""
    return key_changes.unblock_key(current_actor(), command.key)


@api.post("/key/delete")
@requires(Permission.KEY_DELETE)
@accepts(KeyDelete)
@returns(KeysDeleted)
@raises(NotFound, Conflict)
def delete(command: KeyDelete) -> KeysDeleted:
    """Delete keys for good, in one transaction."""
    done = key_deletes.delete_keys(current_actor(), command)
    return KeysDeleted(deleted_keys=done.deleted, not_found=done.not_found)


def _revealed(made: KeyCreated, duration: str | None) -> KeyGenerated:
    """Show a key with its new secret, once."""
    shown = KeyAnswer.model_validate(made.key).model_dump()
    return KeyGenerated.model_validate({**shown, "key": made.secret, "token_id": made.key.token, "duration": duration})
