"""EN 16931 on the wire: the same invoice in either of its two syntaxes, UBL 2.1 and UN/CEFACT's CII D16B."""
