package io.attentivecutmix.method;

import java.util.Arrays;
import java.util.Objects;

/**
 * The labels of a batch of N images, before mixing: one class id per image, or one row of class values per image
 * (one-hot, multi-label, or smoothed before). Class ids stay int and values float; neither is ever held in less.
 *
 * <p>Reusable: {@link #set} and {@link #setRows} take the next batch into the same memory. Not thread-safe while being
 * set.
 */
public final class Labels {
    private final int classes;
    private int[] ids;
    private float[] rows;
    private int count;

    private Labels(int classes, int[] ids, float[] rows) {
        this.classes = classes;
        this.ids = ids;
        this.rows = rows;
    }

    /**
     * One class id per image.
     *
     * @param ids (N) 0 or more, copied
     */
    public static Labels of(int... ids) {
        return new Labels(0, new int[ids.length], new float[0]).set(ids, ids.length);
    }

    /**
     * One row of class values per image.
     *
     * @param classes length of a row, 1 or more
     * @param rows (N, classes) finite and 0 or more, copied
     */
    public static Labels rows(int classes, float... rows) {
        if (classes < 1) {
            throw new IllegalArgumentException("classes is " + classes + "; allowed: 1 or more");
        }
        if (rows.length % classes != 0) {
            throw new IllegalArgumentException("rows has " + rows.length + " values; allowed: multiples of " + classes
                    + " (classes)");
        }
        return new Labels(classes, new int[0], new float[rows.length]).setRows(rows, rows.length / classes);
    }

    /**
     * Replaces the class ids.
     *
     * @param values (n) at least; 0 or more, copied
     * @param n the new N
     * @return this
     */
    public Labels set(int[] values, int n) {
        if (isRows()) {
            throw new IllegalStateException("labels hold rows of " + classes + " values; set takes class ids");
        }
        Objects.checkFromIndexSize(0, n, values.length);
        for (int i = 0; i < n; i++) {
            if (values[i] < 0) {
                throw new IllegalArgumentException("label " + i + " is class " + values[i] + "; allowed: 0 or more");
            }
        }
        if (ids.length < n) {
            ids = new int[n];
        }
        System.arraycopy(values, 0, ids, 0, n);
        count = n;
        return this;
    }

    /**
     * Replaces the rows.
     *
     * @param values (n, classes) at least; finite and 0 or more, copied
     * @param n the new N
     * @return this
     */
    public Labels setRows(float[] values, int n) {
        if (!isRows()) {
            throw new IllegalStateException("labels hold class ids; setRows takes rows");
        }
        int length = Math.multiplyExact(n, classes);
        Objects.checkFromIndexSize(0, length, values.length);
        for (int at = 0; at < length; at++) {
            if (!(values[at] >= 0) || Float.isInfinite(values[at])) {
                throw new IllegalArgumentException("label " + at / classes + " has " + values[at] + " for class "
                        + at % classes + "; allowed: finite values of 0 or more");
            }
        }
        if (rows.length < length) {
            rows = new float[length];
        }
        System.arraycopy(values, 0, rows, 0, length);
        count = n;
        return this;
    }

    /** N. */
    public int count() {
        return count;
    }

    /** Whether each label is a row of values; if not, each is a class id. */
    public boolean isRows() {
        return classes != 0;
    }

    /** Length of a row; 0 when labels are class ids. */
    public int classes() {
        return classes;
    }

    /** Class id of image i. */
    public int id(int i) {
        if (isRows()) {
            throw new IllegalStateException("labels hold rows of " + classes + " values; allowed: class ids");
        }
        return ids[Objects.checkIndex(i, count)];
    }

    /** Copies the N class ids. */
    public void ids(int[] out) {
        if (isRows()) {
            throw new IllegalStateException("labels hold rows of " + classes + " values; allowed: class ids");
        }
        System.arraycopy(ids, 0, out, 0, count);
    }

    /** Value of class c in the row of image i; for a class id 1 or 0. */
    public float value(int i, int c) {
        Objects.checkIndex(i, count);
        if (isRows()) {
            return rows[i * classes + Objects.checkIndex(c, classes)];
        }
        return ids[i] == c ? 1 : 0;
    }

    /**
     * A copy of these labels, in the memory of others if those are of the same kind and row length.
     *
     * @param reused labels that nobody needs any more
     * @return {@code reused}, or new labels
     */
    public Labels copyInto(Labels reused) {
        Labels copy = reused.classes == classes ? reused : new Labels(classes, new int[0], new float[0]);
        return isRows() ? copy.setRows(rows, count) : copy.set(ids, count);
    }

    /** Refuses a label that has no place in rows of numClasses values. */
    public void checkClasses(int numClasses) {
        if (numClasses < 1) {
            throw new IllegalArgumentException("numClasses is " + numClasses + "; allowed: 1 or more");
        }
        if (isRows() && classes != numClasses) {
            throw new IllegalArgumentException("numClasses is " + numClasses + "; allowed: " + classes
                    + ", the length of the labels' rows");
        }
        for (int i = 0; i < count && !isRows(); i++) {
            if (ids[i] >= numClasses) {
                throw new IllegalArgumentException("label " + i + " is class " + ids[i] + "; allowed: 0 to "
                        + (numClasses - 1) + " (numClasses " + numClasses + ")");
            }
        }
    }

    @Override
    public String toString() {
        return isRows() ? count + " rows of " + classes + " values" : Arrays.toString(Arrays.copyOf(ids, count));
    }
}
