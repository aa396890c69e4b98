package io.attentivecutmix.cli;

import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Which images, of which classes, and what a bad one does. */
final class InputArgs {
    @Option(names = "--images", required = true, paramLabel = "PATH",
            description = "A folder, searched with its sub-folders, or a "
                    + "file of one path per line.")
    Path images;

    @Option(names = "--labels", paramLabel = "CSV",
            description = "Classes, as a file with the header path,label. Default: the names of the sub-folders; "
                    + "for a file of paths, of the folder that an image lies in.")
    private Path labels;

    @Option(names = "--limit", paramLabel = "N", description = "Take the first N images of the run's order only.")
    private Long limit;

    @Option(names = "--on-bad-image", paramLabel = "WHAT",
            description = "fail, skip (default) or substitute: what an image does that "
                    + "cannot be read. It is named in rejected.jsonl.")
    BadImage badImage = BadImage.SKIP;

    @Option(names = "--batch-size", paramLabel = "N",
            description = "Images per batch, 1 or more; partners are of the same batch. "
                    + "Default 32.")
    int batchSize = 32;

    ImageList list(Console console) throws IOException {
        if (batchSize < 1) {
            throw CommandException.usage("--batch-size is " + batchSize + "; allowed: 1 or more");
        }
        if (limit != null && limit < 1) {
            throw CommandException.usage("--limit is " + limit + "; allowed: 1 or more");
        }
        ImageList list = ImageList.of(images);
        if (list.otherFiles() > 0) {
            console.warning("%d files in %s are passed over: their endings are no image's", list.otherFiles(), images);
        }
        return list;
    }

    long limit() {
        return limit == null ? Long.MAX_VALUE : limit;
    }

    ClassLabels classes(ImageList list, Console console) throws IOException {
        ClassLabels classes = labels == null ? ClassLabels.ofFolders(list) : ClassLabels.ofCsv(labels, list);
        if (classes.unusedRows() > 0) {
            console.warning("%d rows of %s name no image of %s", classes.unusedRows(), labels, images);
        }
        return classes;
    }
}
