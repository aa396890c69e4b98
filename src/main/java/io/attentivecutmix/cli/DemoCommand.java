package io.attentivecutmix.cli;

import io.attentivecutmix.method.Pairing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Draws sample images and mixes them: the first look. */
@Command(name = "demo", mixinStandardHelpOptions = true, versionProvider = Version.class, sortOptions = false,
        description = "Draws sample images, mixes them, and shows in contact-sheet.png what was done.")
final class DemoCommand implements Callable<Integer> {
    private static final String SAMPLES = "samples";

    private final Console console;

    @Option(names = "--out", paramLabel = "DIR", description = "Where everything is written; default ${DEFAULT-VALUE}.")
    private Path out = Path.of("target", "demo");

    @Option(names = "--seed", paramLabel = "N", description = "Of the pictures and all draws. Default 0.")
    private long seed;

    @ArgGroup(exclusive = false, heading = "%nWhere to run:%n")
    private RunArgs run = new RunArgs();

    @ArgGroup(exclusive = false, heading = "%nThe method:%n")
    private MethodArgs method = new MethodArgs();

    DemoCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!Files.isDirectory(out.resolve(SAMPLES)) && !OutputFolder.isFree(out)) {
            throw CommandException.usage("--out " + out
                    + " holds something that no demo wrote; allowed: an empty or new folder, or"
                    + " one of an earlier demo");
        }
        InputArgs input = new InputArgs();
        input.images = out.resolve(SAMPLES);
        for (SampleImages.Sample sample : SampleImages.draw(seed)) {
            Path folder = input.images.resolve(sample.label());
            AtomicFile.write(folder.resolve(sample.label() + ".png"), false,
                    stream -> Pictures.png(stream, sample.image()));
        }
        int status = new MixRun("demo", console, input, run, method.resolve(), out, true, false, Pairing.Kind.SHUFFLED,
                Batches.Order.SORTED,
                seed, 0, Shard.ALL, null, ImageFormat.PNG, ContactSheet.MAX_ROWS, false).call();
        if (status == ExitStatus.OK && !run.quiet) {
            console.line("look at %s", out.resolve(OutputFolder.SHEET));
        }
        return status;
    }
}
