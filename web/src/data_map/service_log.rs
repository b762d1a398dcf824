//! What lines of the service's log can say besides their words.

use super::Field;

/// Every named value of a line. None is an address of a visitor, a file name, a
/// token, or a text of somebody's.
pub(super) const FIELDS: &[Field] = &[
    Field::new(
        "actor|staff|name",
        "Pseudonym of staff, or names of parts of the service",
    ),
    Field::new(
        "address|target_host",
        "Address on which the service listens, host of a content delivery network",
    ),
    Field::new(
        "buckets|device|from|image_us|model|other|other_image_us|to|worst_error",
        "Which device classifies, in which batches, how fast and how exactly",
    ),
    Field::new(
        "changed|n|n_copies|n_cut|n_dropped|n_ended|n_entries|n_images|n_kept|n_lately|n_new|n_overdue|n_restored|n_returned|n_sealed|n_tasks|expired|report",
        "How many things were done or found",
    ),
    Field::new("code|status|fault", "Code and status of an error"),
    Field::new(
        "commands|mode|warning",
        "What the operator is told at the start",
    ),
    Field::new("error|reason|why", "Why something failed"),
    Field::new(
        "file|folder|path|space",
        "File or part of the database, by its name in the data folder",
    ),
    Field::new("id|twin", "Id of an image"),
    Field::new(
        "job|stage|pattern",
        "Name of a job, a stage of the pipeline, a pattern of abuse",
    ),
    Field::new("lost|lost_max", "Decoders that hang"),
    Field::new(
        "method|route|ms",
        "Route of a request without ids, and how long it took",
    ),
];
