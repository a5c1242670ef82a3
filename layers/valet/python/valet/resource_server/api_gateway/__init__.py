"""A resource server's rules as API Gateway and AppSync ask for them: events in, policies and answers out."""
