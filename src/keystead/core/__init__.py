"""The pure heart: values, errors, specification references, forms, records and JOSE.

Flow: imported by every other package; imports none of them.
Does not: touch a socket, a file, a clock, a setting or a log. Time comes in as `now`, always epoch seconds.
"""
