package io.attentivecutmix.cli;

import io.attentivecutmix.engine.DeviceException;
import io.attentivecutmix.image.ImageException;
import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.LabelWeight;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.weights.WeightsException;
import java.io.IOException;
import java.util.concurrent.CancellationException;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.MaxValuesExceededException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The command line. Without a sub-command it shows what there is, and fails. */
@Command(name = "attentive-cutmix", mixinStandardHelpOptions = true, versionProvider = Version.class,
        showAtFileInUsageHelp = true,
        description = "Mixes images with Attentive CutMix.",
        subcommands = {DemoCommand.class, MixCommand.class, AttendCommand.class, ReplayCommand.class, InfoCommand.class,
            CalibrateCommand.class, DoctorCommand.class, GenerateCompletion.class},
        exitCodeListHeading = "%nExit status:%n",
        exitCodeList = {"0:everything asked for was done", "1:the run failed; what was finished is named in its files",
            "2:the command line, or a file it names, cannot be used; nothing was written",
            "3:finished, but some images were rejected; rejected.jsonl names them",
            "130:stopped by the user between two batches"})
public final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Runs one command and ends the process with its status, unless that is 0. */
    public static void main(String[] args) {
        int status = run(args);
        if (status != ExitStatus.OK) {
            System.exit(status);
        }
    }

    /** Runs one command and returns its exit status. */
    static int run(String... args) {
        return run(Console.system(), args);
    }

    static int run(Console console, String... args) {
        CommandLine line = new CommandLine(new Main(), new Commands(console));
        choice(line, Mode.class);
        choice(line, Reduction.class);
        choice(line, Geometry.class);
        choice(line, LabelWeight.class);
        choice(line, BatchNorm.class);
        choice(line, ResizeFilter.class);
        choice(line, Precision.class);
        choice(line, BadImage.class);
        choice(line, ImageFormat.class);
        choice(line, Batches.Order.class);
        choice(line, Pairing.Kind.class);
        line.registerConverter(Shard.class, text -> converted(() -> Shard.parse(text)));
        line.setOut(console.out());
        line.setErr(console.err());
        line.setParameterExceptionHandler((e, arguments) -> refuse(console, e));
        line.setExecutionExceptionHandler((e, command, parsed) -> fail(console, e));
        try {
            return line.execute(args);
        } catch (OutOfMemoryError e) {
            console.error(Summary.text(e));
            return ExitStatus.FAILED;
        }
    }

    /** Makes the commands, each with the console. */
    private record Commands(Console console) implements CommandLine.IFactory {
        @Override
        public <K> K create(Class<K> type) throws Exception {
            try {
                return type.getDeclaredConstructor(Console.class).newInstance(console);
            } catch (NoSuchMethodException e) {
                return CommandLine.defaultFactory().create(type);
            }
        }
    }

    private static <E extends Enum<E>> void choice(CommandLine line, Class<E> type) {
        line.registerConverter(type, text -> converted(() -> Choices.parse("the value", text, type)));
    }

    private static <T> T converted(java.util.function.Supplier<T> parse) {
        try {
            return parse.get();
        } catch (CommandException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }

    private static int refuse(Console console, ParameterException e) {
        // picocli's own words for an option of a group are the whole group's usage, twice
        console.error(e instanceof MaxValuesExceededException ? "an option is given more than once; allowed: once"
                : e.getMessage());
        CommandLine command = e.getCommandLine();
        if (!CommandLine.UnmatchedArgumentException.printSuggestions(e, console.err())) {
            console.err().println("see " + command.getCommandSpec().qualifiedName() + " --help");
        }
        console.err().flush();
        return ExitStatus.USAGE;
    }

    private static int fail(Console console, Exception e) {
        if (e instanceof CommandException c) {
            console.error(c.getMessage());
            return c.status();
        }
        if (e instanceof WeightsException || e instanceof ImageException || e instanceof IllegalArgumentException) {
            console.error(e.getMessage());
            return ExitStatus.USAGE;
        }
        if (e instanceof CancellationException || e instanceof InterruptedException) {
            console.error("interrupted");
            return ExitStatus.INTERRUPTED;
        }
        if (e instanceof DeviceException) {
            console.error(e.getMessage());
            return ExitStatus.FAILED;
        }
        if (e instanceof IOException) {
            console.error(Summary.text(e));
            for (Throwable earlier : e.getSuppressed()) {
                console.error("before that: " + Summary.text(earlier));
            }
            return ExitStatus.FAILED;
        }
        console.error("this should not have happened, please report it: " + e);
        e.printStackTrace(console.err());
        console.err().flush();
        return ExitStatus.FAILED;
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getErr());
        throw CommandException.usage("no command; allowed: demo, mix, attend, replay, info, calibrate, doctor");
    }
}
