"""The same orders in Django, in one file: `python django_orders.py` makes some and says who may view which."""

from pathlib import Path

import django
from django.conf import settings
from django.db import connection, models

from keystead.authz.rows import Rows, by_column, by_link, map_rows
from keystead.authz.rows.django import filter_for, over

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()


class Team(models.Model):
    """A team, perhaps part of another."""

    part_of = models.ForeignKey("self", null=True, on_delete=models.CASCADE)

    class Meta:
        app_label = "orders"


class Member(models.Model):
    """Who is in a team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.CharField(max_length=100, db_index=True)

    class Meta:
        app_label = "orders"


class Shop(models.Model):
    """A shop and the team that runs it."""

    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE)

    class Meta:
        app_label = "orders"


class Ban(models.Model):
    """Who may not see a shop's orders, not even their own."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    user = models.CharField(max_length=100, db_index=True)

    class Meta:
        app_label = "orders"


class Order(models.Model):
    """An order."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    owner = models.CharField(max_length=100, db_index=True)

    class Meta:
        app_label = "orders"


authz = map_rows(
    (Path(__file__).parent / "orders.fga").read_text("utf-8"),
    [
        Rows(
            "team",
            Team,
            "pk",
            {
                "member": [
                    by_link(Member, object="team", user="user", subject="user"),
                    by_link(Team, object="part_of", user="pk", subject="team#member"),
                ]
            },
        ),
        Rows(
            "shop",
            Shop,
            "pk",
            {
                "clerk": by_column("team", "team#member"),
                "banned": by_link(Ban, object="shop", user="user", subject="user"),
            },
        ),
        Rows("order", Order, "pk", {"shop": by_column("shop", "shop"), "owner": by_column("owner", "user")}),
    ],
)


def visible_to(user: str) -> list[int]:
    """List the orders somebody may view, newest first."""
    may_view = filter_for(authz, f"user:{user}", "viewer", Order)
    return [order.pk for order in Order.objects.filter(may_view).order_by("-pk")[:20]]


def main() -> None:
    """Make some orders and look at them."""
    with connection.schema_editor() as editor:
        for model in (Team, Member, Shop, Ban, Order):
            editor.create_model(model)
    everybody = Team.objects.create()
    clerks = Team.objects.create(part_of=everybody)
    Member.objects.create(team=clerks, user="carol")
    shop = Shop.objects.create(team=everybody)
    for owner in ("alice", "bob"):
        Order.objects.create(shop=shop, owner=owner)
    print("alice", visible_to("alice"), "bob", visible_to("bob"), "carol", visible_to("carol"))
    print(over(authz).explain("user:carol", "viewer", "order:1"))
    Ban.objects.create(shop=shop, user="alice")
    print("alice", visible_to("alice"))
    print(over(authz).explain("user:alice", "viewer", "order:1"))
    connection.close()


if __name__ == "__main__":
    main()
