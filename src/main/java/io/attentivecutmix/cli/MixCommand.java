package io.attentivecutmix.cli;

import io.attentivecutmix.method.Pairing;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Mixes the images of a folder or list. */
@Command(name = "mix", mixinStandardHelpOptions = true, versionProvider = Version.class, sortOptions = false,
        description = "Mixes every image with a partner of its batch.",
        footer = {"", "Partners, and everything else that is drawn, depend on the sorted list, seed, epoch and batch "
                + "size; threads and shards change nothing. A single image left for the last batch joins the one "
                + "before. A substitute is the next usable image of the batch."})
final class MixCommand implements Callable<Integer> {
    private final Console console;

    @Mixin
    private InputArgs input;

    @Option(names = "--out", required = true, paramLabel = "DIR",
            description = "Where everything is written: images/, labels.jsonl, "
                    + "records.jsonl (for replay), run.json, rejected.jsonl.")
    private Path out;

    @Option(names = "--force", description = "Write into a folder that is not empty.")
    private boolean force;

    @Option(names = "--resume",
            description = "Go on with the run in --out that was stopped or killed: what it finished is "
                    + "compared with its checksums and kept, the rest is done. Needs the same arguments and images.")
    private boolean resume;

    @ArgGroup(exclusive = false, heading = "%nWhere to run:%n")
    private RunArgs run = new RunArgs();

    @ArgGroup(exclusive = false, heading = "%nThe method:%n")
    private MethodArgs method = new MethodArgs();

    @Option(names = "--pairing", paramLabel = "NAME",
            description = "shuffled (default: random, nobody with itself), permuted, roll "
                    + "or flip.")
    private Pairing.Kind pairing = Pairing.Kind.SHUFFLED;

    @Option(names = "--order", paramLabel = "NAME",
            description = "In which order batches are filled: shuffled (default) or sorted.")
    private Batches.Order order = Batches.Order.SHUFFLED;

    @Option(names = "--seed", paramLabel = "N", description = "Of all draws. Default 0.")
    private long seed;

    @Option(names = "--epoch", paramLabel = "N", description = "Another epoch gives other partners. Default 0.")
    private long epoch;

    @Option(names = "--shard", paramLabel = "I/N",
            description = "Take every Nth batch, from the Ith: N processes share a run.")
    private Shard shard = Shard.ALL;

    @Option(names = "--masks", paramLabel = "DIR",
            description = "Segmentation masks (8-bit grey or palette PNG) by the images' names; "
                    + "mixed along into masks/.")
    private Path masks;

    @Option(names = "--format", paramLabel = "NAME",
            description = "png (default), npy, or jpg, which compresses again.")
    private ImageFormat format = ImageFormat.PNG;

    @Option(names = "--contact-sheet", paramLabel = "ROWS", arity = "0..1", fallbackValue = "12", description = "Draw "
            + "contact-sheet.png, of 12 or so many rows.")
    private int sheetRows;

    @Option(names = "--dry-run", description = "Check everything and say what would be done; write nothing.")
    private boolean dryRun;

    MixCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (sheetRows < 0 || sheetRows > ContactSheet.MAX_ROWS) {
            throw CommandException.usage("--contact-sheet is " + sheetRows + "; allowed: 1 to "
                    + ContactSheet.MAX_ROWS);
        }
        if (pairing == Pairing.Kind.EXPLICIT) {
            throw CommandException.usage("--pairing is 'explicit'; allowed: shuffled, permuted, roll, flip");
        }
        if (resume && sheetRows > 0) {
            throw CommandException.usage("--resume and --contact-sheet exclude each other: a sheet shows the run's "
                    + "first images, which are not mixed again");
        }
        if (format == ImageFormat.JPG) {
            console.warning("jpg compresses again: pixels change, and cells blur into their neighbours");
        }
        return new MixRun("mix", console, input, run, method.resolve(), out, force, resume, pairing, order, seed, epoch,
                shard, masks, format,
                sheetRows, dryRun).call();
    }
}
