-- A model's name as its maker writes it, to be compared: without case, path (`openai/`, `models/`, `publishers/google/models/`, an ARN's), the
-- prefix of a client or of Bedrock (`google-gla:`, `us.anthropic.`), and what names a way of running it, not the model (`-v1:0` behind a date,
-- `:free`, `[1m]`, `-latest`); dots and @ are dashes, `gpt-35` is `gpt-3.5`, `claude-sonnet-4-0` is `claude-sonnet-4`.
-- '' where the name is an opaque one of an account's own (ARN of a profile, of provisioned throughput).
replaceRegexpOne(
    replaceRegexpOne(
        replaceRegexpOne(
            translate(
                replaceRegexpOne(
                    replaceRegexpOne(
                        lower(trimBoth($model)),
                        '^(?:arn:[^/]*:(?:application-inference-profile|provisioned-model|imported-model|custom-model-deployment)/.*|.*/)', ''),
                    '^(?:(?:openai|azure|anthropic|bedrock|google[a-z-]*|gemini|vertex[a-z_-]*|mistral|groq|cohere|deepseek|xai|grok|ollama|openrouter|together|fireworks|huggingface|litellm):|(?:(?:us|eu|ap|apac|jp|au|ca|sa|us-gov|global)\\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|stability|writer|twelvelabs|moonshotai?|minimax|google|nvidia|zai)\\.)',
                    ''),
                '.@', '--'),
            '(?:\\[[a-z0-9]+\\]|[:-](?:latest|default)|:(?:0|free|nitro|floor|online|extended|exacto))\\z', ''),
        '(20[0-9]{6})-v[0-9]+(?::[0-9a-z]+)*\\z|(claude-[a-z]+-[0-9]+)-0\\z', '\\1\\2'),
    '^gpt-35', 'gpt-3-5')
