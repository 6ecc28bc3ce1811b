"""The options of the main job: how each is held, read, written and described."""

from osteo_epi.report.choices._advice import in_options
from osteo_epi.report.choices._choices import Choices
from osteo_epi.report.choices._kinds import NAMES
from osteo_epi.report.choices._option import Option

__all__ = ["NAMES", "Choices", "Option", "in_options"]
