"""Policy: what each identity may do, as a set computed once for each version of the files."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self, final

import casbin
from casbin.persist.adapters import StringAdapter

from gateway.access.policy_files import ACTIONS, AccessRules, ApprovalRule, Row, read_rows, read_rules
from gateway.access.selectors import Selector, facts_of, parse_selector
from gateway.domain.errors import ConfigurationBroken, NotAuthorised

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Identity

FILES: Final = ("model.conf", "policy.csv", "access.toml")

_MODEL: Final = {
    ("r", "r"): "role,endpoint,action",
    ("p", "p"): "role,endpoints,action,eft",
    ("g", "g"): "_,_",
    ("e", "e"): "some(where(p.eft==allow))&&!some(where(p.eft==deny))",
    ("m", "m"): 'g(r.role,p.role)&&labels(r.endpoint,p.endpoints)&&(p.action==r.action||p.action=="*")',
}
"""What model.conf must say, without blanks: a permission set decides just this."""

_MOST_SETS: Final = 4096


@final
@dataclass(frozen=True, slots=True)
class Permissions:
    """What one identity may do under one version of the policy: rows to look into, no engine to ask.

    Attributes:
        version: of the policy.
        rules: action → allowing selectors and denying selectors.
    """

    version: int
    rules: Mapping[str, tuple[tuple[Selector, ...], tuple[Selector, ...]]] = field(repr=False)

    def allows(self, action: str, endpoint: Endpoint | None = None) -> bool:
        """Whether they may.

        Args:
            action: one of ``ACTIONS``; anything else is never allowed.
            endpoint: where; None: on any endpoint at all.
        """
        allowing, denying = self.rules.get(action, ((), ()))
        if endpoint is None:
            return bool(allowing) and not any(not selector.wanted for selector in denying)
        if not allowing:
            return False
        facts = facts_of(endpoint)
        return any(selector.fits(facts) for selector in allowing) and not any(
            selector.fits(facts) for selector in denying
        )

    def actions(self, endpoint: Endpoint | None = None) -> frozenset[str]:
        """Return everything they may, there or anywhere."""
        return frozenset(action for action in self.rules if self.allows(action, endpoint))


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The files as parsed together.

    Attributes:
        texts: file name → content.
        rows: of policy.csv.
        rules: of access.toml.
        roles: every role that any file names.
        engine: casbin over model and rows.
    """

    texts: Mapping[str, str]
    rows: tuple[Row, ...]
    rules: AccessRules
    roles: frozenset[str]
    engine: Any


@final
class Policy:
    """The policy in force; a broken file leaves it as it is.

    Args:
        folder: holds model.conf, policy.csv and access.toml.

    Attributes:
        version: grows with each change that took force.
        broken: why the files as they lie there are not in force; None where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded = _load(folder, _texts(folder))
        self._sets: OrderedDict[tuple[frozenset[str], frozenset[str]], Permissions] = OrderedDict()
        self._computing = asyncio.Lock()
        self.version = 1
        self.broken: ConfigurationBroken | None = None

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the policy at start.

        Raises:
            ConfigurationBroken: a file can't be used; file, line and mend are named.
        """
        return cls(folder)

    async def reload(self) -> bool:
        """Read the files again.

        Returns:
            Whether they say something new, which is in force now.

        Raises:
            ConfigurationBroken: a file can't be used; what was in force stays so.
        """
        try:
            texts = await asyncio.to_thread(_texts, self._folder)
            loaded = self._loaded
            if texts != loaded.texts:
                loaded = await asyncio.to_thread(_load, self._folder, texts)
        except ConfigurationBroken as error:
            self.broken = error
            raise
        self.broken = None
        if loaded is self._loaded:
            return False
        self._loaded = loaded
        self._sets.clear()
        self.version += 1
        return True

    @property
    def files(self) -> Mapping[str, str]:
        """Names and texts of the files in force."""
        return self._loaded.texts

    @property
    def digest(self) -> str:
        """SHA-256 over the files in force, in hexadecimal."""
        digest = hashlib.sha256()
        for name, text in sorted(self._loaded.texts.items()):
            digest.update(f"{name} {len(text)}\n{text}".encode())
        return digest.hexdigest()

    @property
    def rules(self) -> AccessRules:
        """What access.toml says."""
        return self._loaded.rules

    @property
    def roles(self) -> frozenset[str]:
        """Every role that the files name."""
        return self._loaded.roles

    def rule(self, endpoint: Endpoint) -> ApprovalRule | None:
        """Return how requests for an endpoint are approved; None: it can't be asked for."""
        facts = facts_of(endpoint)
        return next((rule for rule in self._loaded.rules.approvals if rule.endpoints.fits(facts)), None)

    async def permissions(self, identity: Identity) -> Permissions:
        """Return what an identity may do with the credential it showed; computed once a version."""
        return await self.permissions_of(identity.roles, identity.scopes)

    async def permissions_of(
        self, roles: frozenset[str], scopes: frozenset[str] = frozenset()
    ) -> Permissions:
        """Return what whoever has these roles may do.

        Args:
            roles: as people have them.
            scopes: only these actions; empty: all.
        """
        key = (roles, scopes)
        known = self._sets.get(key)
        if known is not None:
            return known
        async with self._computing:
            version, loaded = self.version, self._loaded
            found = await asyncio.to_thread(_compute, version, loaded, roles, scopes)
            if version == self.version:
                self._sets[key] = found
                if len(self._sets) > _MOST_SETS:
                    self._sets.popitem(last=False)
            return found

    async def require(self, identity: Identity, action: str, endpoint: Endpoint | None = None) -> Permissions:
        """Return what an identity may do, if this is part of it.

        Raises:
            NotAuthorised: it isn't.
        """
        permissions = await self.permissions(identity)
        if not permissions.allows(action, endpoint):
            where = f" on {endpoint.name}" if endpoint is not None else ""
            raise NotAuthorised(
                f"policy does not let {identity.name} {action}{where}", hint="glassgate whoami"
            )
        return permissions

    async def explain(
        self, roles: frozenset[str], action: str, endpoint: Endpoint | None
    ) -> tuple[bool, str]:
        """Return whether whoever has these roles may, and a sentence that says by which row."""
        permissions = await self.permissions_of(roles)
        allowed = permissions.allows(action, endpoint)
        allowing, denying = permissions.rules.get(action, ((), ()))
        facts = None if endpoint is None else facts_of(endpoint)
        for selectors, says in ((denying, "denied"), (allowing, "allowed")):
            for selector in selectors:
                if facts is None or selector.fits(facts):
                    return allowed, f"{says} by a row for endpoints {selector.text}"
        return allowed, "no row allows it"


def _texts(folder: Path) -> Mapping[str, str]:
    texts = {}
    for name in FILES:
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationBroken(
                f"{folder / name}: {getattr(error, 'strerror', None) or error}",
                hint="restore the file, or start from the shipped policies",
            ) from error
    return texts


def _load(folder: Path, texts: Mapping[str, str]) -> _Loaded:
    rows, links = read_rows(folder / "policy.csv", texts["policy.csv"])
    rules = read_rules(folder / "access.toml", texts["access.toml"])
    engine = _engine(folder / "model.conf", texts["model.conf"], rows, links)
    roles = {row.role for row in rows} | {role for link in links for role in link}
    for rule in rules.approvals:
        roles |= rule.approved_by | rule.approves_itself
    return _Loaded(texts, tuple(rows), rules, frozenset(roles), engine)


def _engine(path: Path, text: str, rows: list[Row], links: list[tuple[str, str]]) -> Any:
    lines = [
        f"p, {row.role}, {row.endpoints.text}, {row.action}, {'allow' if row.allows else 'deny'}"
        for row in rows
    ] + [f"g, {role}, {other}" for role, other in links]
    model = casbin.Model()
    try:
        model.load_model_from_text(text)
        said = {key: model[key[0]][key[1]].value for key in _MODEL}
    except Exception as error:
        raise ConfigurationBroken(f"{path}: {error}", hint="restore the shipped model.conf") from error
    for (section, key), wanted in _MODEL.items():
        if _plain(said[section, key]) != _plain(wanted):
            line = next((n for n, s in enumerate(text.splitlines(), 1) if s.startswith(f"{key} ")), 1)
            raise ConfigurationBroken(
                f"{path}:{line}: {key} decides in a way the gateway does not hold", hint=f"{key} = {wanted}"
            )
    try:
        engine = casbin.Enforcer(model, StringAdapter("\n".join(lines) or "\n"))
    except Exception as error:
        raise ConfigurationBroken(
            f"{path.with_name('policy.csv')}: {error}",
            hint="mend the rows, such as roles that inherit in a ring",
        ) from error
    engine.add_function("labels", _labels_fit)
    return engine


def _plain(text: str) -> str:
    """Drop blanks, and casbin's own spelling of dots."""
    return text.replace(" ", "").replace("r_", "r.").replace("p_", "p.")


def _labels_fit(facts: Mapping[str, str], selector: str) -> bool:
    return parse_selector(selector).fits(facts)


def _compute(version: int, loaded: _Loaded, roles: frozenset[str], scopes: frozenset[str]) -> Permissions:
    """Collect the rows of the roles and of all that they inherit; casbin follows the links."""
    allowing: dict[str, dict[str, Selector]] = {}
    denying: dict[str, dict[str, Selector]] = {}
    for role in sorted(roles):
        for _, endpoints, action, effect in loaded.engine.get_implicit_permissions_for_user(role):
            selector = parse_selector(endpoints)
            side = allowing if effect == "allow" else denying
            for each in ACTIONS if action == "*" else (action,):
                if not scopes or each in scopes:
                    side.setdefault(each, {})[selector.text] = selector
    return Permissions(
        version,
        {
            action: (tuple(allowing.get(action, {}).values()), tuple(denying.get(action, {}).values()))
            for action in ACTIONS
            if action in allowing
        },
    )
