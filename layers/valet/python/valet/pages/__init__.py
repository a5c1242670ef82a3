"""The pages that people see: sign-in, consent, sign-out and errors (OpenID Connect Core §3.1.2.3 and §3.1.2.4).

One module a subject. Each of their functions returns one page's HTML and reads nothing but its arguments and the
templates next to it. The pages load nothing: the stylesheet is inlined and named by its digest in the policy that
`policy.content_security_policy` gives, which every answer that carries a page must carry too. One page holds a script,
form_post, and its policy names that script in the same way.
"""
