"""A Django service in a process of its own, since Django's settings are global: filters against checks, row by row.

python -m tests.unit.authz.rows.django_shop DATABASES-AS-JSON
"""

from __future__ import annotations

import json
import sys
from random import Random
from typing import Any
from uuid import UUID

import django
from django.conf import settings
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from keystead.authz.rows import RowMapping, Rows, always, by_column, by_flag, by_link, map_rows
from keystead.authz.rows.django import filter_for, over

settings.configure(DATABASES=json.loads(sys.argv[1]), USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField")
django.setup()

MODEL = """
model
  schema 1.1
type user
type platform
  relations
    define admin: [user]
type team
  relations
    define member: [user, team#member]
type folder
  relations
    define parent: [folder]
    define owner: [team#member]
    define viewer: owner or viewer from parent
type doc
  relations
    define folder: [folder]
    define platform: [platform]
    define owner: [user]
    define public: [user:*]
    define blocked: [user]
    define signed: [user]
    define viewer: (owner or public or viewer from folder or admin from platform) but not blocked
    define signing_viewer: viewer and signed
"""
USERS = ("ann", "Ann", "bob", "eve", "100%")


class Team(models.Model):
    """A team, named by itself."""

    id: Any = models.CharField(primary_key=True, max_length=40)
    parts: Any = models.ManyToManyField("self", symmetrical=False, related_name="wholes")

    class Meta:
        app_label = "shop"


class Member(models.Model):
    """Who is in a team."""

    team: Any = models.ForeignKey(Team, on_delete=models.CASCADE)
    login: Any = models.CharField(max_length=40)
    active: Any = models.BooleanField(default=True)

    class Meta:
        app_label = "shop"


class Folder(models.Model):
    """A folder in a folder."""

    id: Any = models.UUIDField(primary_key=True)
    parent: Any = models.ForeignKey("self", null=True, on_delete=models.CASCADE)
    team: Any = models.ForeignKey(Team, null=True, on_delete=models.CASCADE)

    class Meta:
        app_label = "shop"


class Doc(models.Model):
    """A document."""

    folder: Any = models.ForeignKey(Folder, null=True, on_delete=models.CASCADE)
    owner: Any = models.CharField(max_length=40, null=True)
    public: Any = models.BooleanField(default=False)
    title: Any = models.CharField(max_length=40, default="a")

    class Meta:
        app_label = "shop"


class Mark(models.Model):
    """Who is blocked from, or has signed for, a document."""

    doc: Any = models.ForeignKey(Doc, on_delete=models.CASCADE)
    login: Any = models.CharField(max_length=40)
    what: Any = models.CharField(max_length=10)

    class Meta:
        app_label = "shop"


class Admin(models.Model):
    """Who runs the platform."""

    login: Any = models.CharField(max_length=40)
    platform: Any = models.CharField(max_length=10, default="main")

    class Meta:
        app_label = "shop"


class Platform(models.Model):
    """The platform: one row."""

    id: Any = models.CharField(primary_key=True, max_length=10)

    class Meta:
        app_label = "shop"


def mapping() -> RowMapping:
    """Say which rows are what."""
    parts = Team.parts.through
    members = by_link(Member, object="team", user="login", subject="user", where={"active": True})
    nested = by_link(parts, object="from_team", user="to_team", subject="team#member")
    marks = {
        name: by_link(Mark, object=Mark.doc, user="login", subject="user", where={"what": name})
        for name in ("blocked", "signed")
    }
    doc: dict[str, Any] = {
        "folder": by_column(Doc.folder, "folder"),
        "platform": always("platform:main"),
        "owner": by_column("owner", "user"),
        "public": by_flag("public"),
    }
    return map_rows(
        MODEL,
        [
            Rows(
                "platform", Platform, "id", {"admin": by_link(Admin, object="platform", user="login", subject="user")}
            ),
            Rows("team", Team, "pk", {"member": [members, nested]}),
            Rows(
                "folder",
                Folder,
                Folder.id,
                {"parent": by_column("parent", "folder"), "owner": by_column("team", "team#member")},
            ),
            Rows("doc", Doc, "id", doc | marks),
        ],
    )


def fill(random: Random) -> None:
    """Make rows."""
    teams = [Team.objects.create(id=name) for name in ("red", "blue", "tea m", "Red")]
    for team in teams:
        team.parts.add(random.choice(teams))
        Member.objects.create(team=team, login=random.choice(USERS), active=random.random() < 0.8)
    folders: list[Folder | None] = [None]
    for number in range(1, 6):
        owners = random.choice([*teams, None])
        folders.append(Folder.objects.create(id=UUID(int=number), parent=random.choice(folders), team=owners))
    for _ in range(25):
        owner, public = random.choice((*USERS, None, "*")), random.random() < 0.1
        doc = Doc.objects.create(folder=random.choice(folders), owner=owner, public=public)
        for what in ("blocked", "signed", "signed"):
            Mark.objects.create(doc=doc, login=random.choice(USERS), what=what)
    Platform.objects.create(id="main")
    Admin.objects.create(login="eve")


def compare(authz: RowMapping) -> int:
    """Hold every filter against every check. Answer: how many rows were seen."""
    seen = 0
    for login in (*USERS, "nobody"):
        for model, type, relations in ((Doc, "doc", ("viewer", "signing_viewer")), (Folder, "folder", ("viewer",))):
            for relation in relations:
                condition = filter_for(authz, f"user:{login}", relation, model)
                with CaptureQueriesContext(connection) as sent:
                    found = {each.pk for each in model._default_manager.filter(condition)}
                assert len(sent) == 1
                rows = [each.pk for each in model._default_manager.all()]
                decisions = over(authz).check_many([(f"user:{login}", relation, f"{type}:{id}") for id in rows])
                assert found == {id for id, decision in zip(rows, decisions, strict=True) if decision}, (
                    login,
                    relation,
                )
                listed = over(authz).list_objects(type, relation, f"user:{login}")
                assert listed == sorted(f"{type}:{id}" for id in found)
                seen += len(found)
    return seen


def compose(authz: RowMapping) -> None:
    """Use a filter as any other condition."""
    mine = filter_for(authz, "user:eve", "viewer", Doc)
    everything = Doc.objects.filter(mine)
    assert 0 < everything.count() < Doc.objects.count()
    assert everything.exclude(title="a").count() == 0
    assert Doc.objects.filter(~mine).count() + everything.count() == Doc.objects.count()
    page = everything.filter(title="a").select_related("folder__parent").order_by("-id")[1:3]
    assert [each.pk for each in page] == sorted((each.pk for each in everything), reverse=True)[1:3]
    assert Doc.objects.filter(pk__in=everything.values("pk")).count() == everything.count()
    with transaction.atomic():
        before = everything.count()
        assert everything.update(title="b") == before
        Admin.objects.all().delete()
        assert over(authz).check("user:eve", "viewer", f"doc:{Doc.objects.filter(owner=None)[0].pk}").revision == 0
        transaction.set_rollback(True)


def main() -> None:
    """Run it all."""
    with connection.schema_editor() as editor:
        for model in (Team, Member, Folder, Doc, Mark, Admin, Platform):
            editor.create_model(model)
    authz = mapping()
    fill(Random(7))
    print(compare(authz))
    compose(authz)
    connection.close()


if __name__ == "__main__":
    main()
