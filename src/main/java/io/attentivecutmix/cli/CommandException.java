package io.attentivecutmix.cli;

/** Ends a command with a message for the user and an exit status; its stack is of no interest to him. */
final class CommandException extends RuntimeException {
    private final int status;

    private CommandException(int status, String message, Throwable cause) {
        super(message, cause);
        this.status = status;
    }

    /** The user can mend this by changing the command line or a file that it names. */
    static CommandException usage(String message) {
        return new CommandException(ExitStatus.USAGE, message, null);
    }

    static CommandException usage(String message, Throwable cause) {
        return new CommandException(ExitStatus.USAGE, message, cause);
    }

    static CommandException failed(String message) {
        return new CommandException(ExitStatus.FAILED, message, null);
    }

    static CommandException failed(String message, Throwable cause) {
        return new CommandException(ExitStatus.FAILED, message, cause);
    }

    int status() {
        return status;
    }
}
