"""The real product under test: `keystead serve` as processes, spoken to over HTTP.

Flow: `configuration` makes a YAML file with random secrets -> `processes` starts what the file says and waits until
it is ready -> `oauth_client` and `person` talk to it, telling `witness` of every secret they meet -> when the test
ends, every captured log is searched for every one of these secrets.

    async with running_issuer(tmp_path) as issuer:
        client = issuer.client("web")
        page = await issuer.person("alice").authorize(client)
        tokens = await client.redeem(page)
"""
