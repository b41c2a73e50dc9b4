"""ROUGE as a module of `evaluate` that needs no network: the F1 of `rouge_score`, the best over the references."""

import datasets
import evaluate
from rouge_score import rouge_scorer

KINDS = ["rouge1", "rouge2", "rougeL"]


class Rouge(evaluate.Metric):
    """Mean over the predictions, each in [0, 1]."""

    def _info(self):
        features = {
            "predictions": datasets.Value("string"),
            "references": datasets.Sequence(datasets.Value("string")),
        }
        return evaluate.MetricInfo(
            description="Overlap of n-grams and of the longest common subsequence with references (Lin 2004).",
            citation="Chin-Yew Lin. ROUGE: A package for automatic evaluation of summaries. 2004.",
            inputs_description="predictions: texts; references: a list of texts for each; use_stemmer: Porter's.",
            features=datasets.Features(features),
        )

    def _compute(self, predictions, references, use_stemmer=False):
        scorer = rouge_scorer.RougeScorer(KINDS, use_stemmer=use_stemmer)
        scores = [scorer.score_multi(texts, text) for texts, text in zip(references, predictions, strict=True)]
        return {kind: sum(score[kind].fmeasure for score in scores) / len(scores) for kind in KINDS}
