"""A check of infra/ without network: syntax, names, property names, and what this project demands of its templates.

It is no compiler: types of expressions, and resource types that Microsoft's Python packages do not describe, are left
to the real one (`az bicep build`).
"""
