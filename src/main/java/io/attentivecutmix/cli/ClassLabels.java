package io.attentivecutmix.cli;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Which class each image of a list is of.
 *
 * <p>Names become ids in sorted order, by UTF-16 code units, so 0 is the first name. Ids of the user's own stay as they
 * are.
 */
final class ClassLabels {
    private static final Pattern ID = Pattern.compile("[0-9]{1,10}");
    /** What someone meant as a number, but is no id. Digits of other scripts are made plain before this is asked. */
    private static final Pattern NUMBER = Pattern.compile(
            "\\s*[+-]?(([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?|(?i:nan|inf|infinity))\\s*");

    private final String origin;
    private final int[] ids;
    private final List<String> classes;
    private final int unusedRows;

    private ClassLabels(String origin, int[] ids, List<String> classes, int unusedRows) {
        this.origin = origin;
        this.ids = ids;
        this.classes = classes;
        this.unusedRows = unusedRows;
    }

    /**
     * By folder: of a searched folder, the first folder below it; of a list file, the folder that the image lies in.
     * Without folders there are no labels; images with and without a folder side by side are refused.
     */
    static ClassLabels ofFolders(ImageList images) {
        String[] names = new String[images.size()];
        int without = -1;
        int with = -1;
        for (int i = 0; i < names.length; i++) {
            String name = images.name(i);
            int last = name.lastIndexOf('/');
            if (images.fromFolder()) {
                names[i] = last < 0 ? null : name.substring(0, name.indexOf('/'));
            } else {
                names[i] = last >= 0 ? name.substring(name.lastIndexOf('/', last - 1) + 1, last) : parent(images);
            }
            without = names[i] == null ? i : without;
            with = names[i] == null ? with : i;
        }
        if (with < 0) {
            return new ClassLabels("none", null, List.of(), 0);
        }
        if (without >= 0) {
            throw CommandException.usage("'" + images.name(without) + "' lies directly in " + images.root()
                    + ", while '" + images.name(with)
                    + "' has a folder that names its class; allowed: all in such folders, none, "
                    + "or --labels");
        }
        return ofNames(images.fromFolder() ? "sub-folders" : "parent folders", names, 0);
    }

    private static String parent(ImageList images) {
        Path name = images.root().getFileName();
        return name == null ? null : name.toString();
    }

    private static ClassLabels ofNames(String origin, String[] names, int unusedRows) {
        Set<String> sorted = new TreeSet<>(Arrays.asList(names));
        List<String> classes = List.copyOf(sorted);
        int[] ids = new int[names.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = java.util.Collections.binarySearch(classes, names[i]);
        }
        return new ClassLabels(origin, ids, classes, unusedRows);
    }

    /**
     * From a file with the header {@code path,label}; a path is that of a file, absolute or below the images' folder.
     * Labels are all class ids (0 to 2147483647) or all names. Every image must have a row; rows of other images are
     * counted only.
     */
    static ClassLabels ofCsv(Path csv, ImageList images) throws IOException {
        String[] labels = new String[images.size()];
        int[] lines = new int[images.size()];
        int unused = 0;
        try (CsvReader reader = new CsvReader(csv)) {
            List<String> header = reader.next();
            if (header == null) {
                throw CommandException.usage(csv + " is empty; allowed: a header path,label and one row per image");
            }
            int pathColumn = header.indexOf("path");
            int labelColumn = header.indexOf("label");
            if (header.size() != 2 || pathColumn < 0 || labelColumn < 0) {
                throw reader.fault("is '" + Printable.shorten(String.join(",", header))
                        + "'; allowed: the header path,label");
            }
            for (List<String> row = reader.next(); row != null; row = reader.next()) {
                if (row.size() != 2) {
                    throw reader.fault("has " + row.size() + " fields; allowed: 2 (path,label)");
                }
                int i = find(images, row.get(pathColumn), reader);
                if (i < 0) {
                    unused++;
                    continue;
                }
                if (labels[i] != null) {
                    throw reader.fault("labels '" + images.name(i) + "' as '" + Printable.shorten(row.get(labelColumn))
                            + "', but line " + lines[i] + " has labelled it as '" + Printable.shorten(labels[i])
                            + "'; allowed: one row per image");
                }
                labels[i] = check(row.get(labelColumn), reader);
                lines[i] = reader.line();
            }
        }
        requireAll(csv, images, labels);
        return ofLabels(csv, labels, lines, unused);
    }

    private static int find(ImageList images, String path, CsvReader reader) {
        try {
            Path file = images.root().resolve(path).normalize();
            return file.startsWith(images.root()) && !file.equals(images.root())
                    ? images.index(ImageList.name(images.root(), file)) : -1;
        } catch (InvalidPathException e) {
            throw reader.fault("has a path that is none: " + e.getReason());
        }
    }

    private static String check(String label, CsvReader reader) {
        if (ID.matcher(label).matches()) {
            if (Long.parseLong(label) > Integer.MAX_VALUE) {
                throw reader.fault("has class id " + label + "; allowed: 0 to " + Integer.MAX_VALUE);
            }
        } else if (NUMBER.matcher(plainDigits(label)).matches()) {
            throw reader.fault("has label '" + Printable.shorten(label)
                    + "'; allowed: class ids in digits 0 to 9 without blanks, from 0 to "
                    + Integer.MAX_VALUE + ", or names");
        } else if (label.isBlank() || !label.equals(label.strip())) {
            throw reader.fault("has label '" + Printable.shorten(label)
                    + "'; allowed: names without blanks around them");
        }
        return label;
    }

    /** Digits of every script as 0 to 9, full-width signs and the like as the plain ones. */
    private static String plainDigits(String label) {
        StringBuilder plain = new StringBuilder();
        Normalizer.normalize(label, Normalizer.Form.NFKC).codePoints().forEach(c -> plain.appendCodePoint(
                Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER ? '0' + Character.digit(c, 10) : c));
        return plain.toString();
    }

    private static void requireAll(Path csv, ImageList images, String[] labels) {
        List<String> missing = new ArrayList<>();
        int count = 0;
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] == null && count++ < 3) {
                missing.add("'" + images.name(i) + "'");
            }
        }
        if (count > 0) {
            throw CommandException.usage(csv + " has no row for " + count + " of " + labels.length + " images: "
                    + String.join(", ", missing) + (count > missing.size() ? ", …" : "")
                    + "; paths are looked up below "
                    + images.root());
        }
    }

    private static ClassLabels ofLabels(Path csv, String[] labels, int[] lines, int unused) {
        int id = -1;
        int name = -1;
        for (int i = 0; i < labels.length; i++) {
            if (ID.matcher(labels[i]).matches()) {
                id = i;
            } else {
                name = i;
            }
        }
        if (id >= 0 && name >= 0) {
            throw CommandException.usage(csv + ": line " + lines[name] + " has the name '"
                    + Printable.shorten(labels[name]) + "', but line " + lines[id] + " the class id " + labels[id]
                    + "; allowed: all names or all ids");
        }
        if (name >= 0) {
            return ofNames("csv names", labels, unused);
        }
        return new ClassLabels("csv ids", Arrays.stream(labels).mapToInt(Integer::parseInt).toArray(), List.of(),
                unused);
    }

    /** Where they come from: none, sub-folders, parent folders, csv names, csv ids. */
    String origin() {
        return origin;
    }

    boolean present() {
        return ids != null;
    }

    /** Class of image i; only if {@link #present}. */
    int id(int i) {
        return ids[i];
    }

    /** Names by id; empty if the ids are the user's own, or there are none. */
    List<String> classes() {
        return classes;
    }

    /** What to call a class on a picture. */
    String text(int id) {
        return id >= 0 && id < classes.size() ? classes.get(id) : "class " + id;
    }

    /** Rows of the file that name no image of the list. */
    int unusedRows() {
        return unusedRows;
    }
}
