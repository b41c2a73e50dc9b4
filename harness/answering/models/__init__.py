"""The models that answer: any model of lm-eval, any chat model, and the embedded one."""
