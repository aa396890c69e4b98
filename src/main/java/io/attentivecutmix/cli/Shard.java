package io.attentivecutmix.cli;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The part of a run that one of several processes takes: batches {@code index − 1, index − 1 + count, …}.
 *
 * <p>Whole batches are shared out, and a batch's number is that of the whole run. So n processes together write exactly
 * the pictures that one process writes, whatever n is.
 *
 * @param index 1 to count
 * @param count number of processes
 */
record Shard(int index, int count) {
    static final Shard ALL = new Shard(1, 1);
    private static final Pattern FORM = Pattern.compile("([0-9]{1,9})/([0-9]{1,9})");

    static Shard parse(String text) {
        Matcher m = FORM.matcher(text);
        if (m.matches()) {
            Shard shard = new Shard(Integer.parseInt(m.group(1)), Integer.parseInt(m.group(2)));
            if (shard.index >= 1 && shard.index <= shard.count) {
                return shard;
            }
        }
        throw CommandException.usage("--shard is '" + text + "'; allowed: i/n with i from 1 to n, such as 2/4");
    }

    boolean has(int batch) {
        return batch % count == index - 1;
    }

    @Override
    public String toString() {
        return index + "/" + count;
    }
}
