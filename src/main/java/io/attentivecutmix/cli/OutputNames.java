package io.attentivecutmix.cli;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * Output file names of a whole list: the image's name with its ending replaced. Where that would give two images one
 * name, also on a file system that does not tell capitals from small letters, those images keep their full names in
 * front of the new ending, and a number makes what still clashes unique. A name too long for a file system is
 * cut. Depends on the whole list only, so shards agree.
 */
final class OutputNames {
    private static final int MAX_BYTES = 255;

    private final String[] names;

    /** @param ending of every output file, with its dot */
    OutputNames(ImageList images, String ending) {
        Map<String, Integer> uses = new HashMap<>();
        for (int i = 0; i < images.size(); i++) {
            uses.merge(key(stem(images.name(i))), 1, Integer::sum);
        }
        names = new String[images.size()];
        Set<String> taken = new HashSet<>();
        for (int i = 0; i < names.length; i++) {
            String stem = stem(images.name(i));
            if (uses.get(key(stem)) == 1) {
                taken.add(key(stem));
                names[i] = stem + ending;
            }
        }
        for (int i = 0; i < names.length; i++) {
            if (names[i] == null) {
                String unique = images.name(i);
                for (int n = 2; !taken.add(key(unique)); n++) {
                    unique = images.name(i) + "~" + n;
                }
                names[i] = unique + ending;
            }
        }
        for (int i = 0; i < names.length; i++) {
            names[i] = shortened(names[i], images.name(i), ending);
        }
    }

    /** File systems take 255 bytes; what is longer is cut, and told apart by a checksum of the whole name. */
    private static String shortened(String name, String image, String ending) {
        int at = name.lastIndexOf('/') + 1;
        if (bytes(name.substring(at)) <= MAX_BYTES) {
            return name;
        }
        CRC32C checksum = new CRC32C();
        checksum.update(image.getBytes(StandardCharsets.UTF_8));
        String tail = String.format(Locale.ROOT, "~%08x", checksum.getValue()) + ending;
        String stem = name.substring(at, name.length() - ending.length());
        while (bytes(stem + tail) > MAX_BYTES) {
            stem = stem.substring(0, stem.offsetByCodePoints(stem.length(), -1));
        }
        return name.substring(0, at) + stem + tail;
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    private static String stem(String name) {
        int dot = name.lastIndexOf('.');
        return dot > name.lastIndexOf('/') + 1 ? name.substring(0, dot) : name;
    }

    private static String key(String name) {
        return name.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT);
    }

    /** Name of image i's output, below the output folder, with slashes. */
    String get(int i) {
        return names[i];
    }
}
