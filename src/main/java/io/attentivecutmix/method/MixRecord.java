package io.attentivecutmix.method;

import io.attentivecutmix.image.Images;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/**
 * Everything that one mix of a batch used; immutable. Passed back in, it replays the mix without the extractor; made
 * from heat maps or with cells of the caller's own, it mixes what the caller likes. To and from JSON.
 *
 * <p>A record of a real mix is <em>measured</em>: it knows every image's size and source weight, and a replay on other
 * sizes is refused. A record made without images is not; its weights come with the images it is used on.
 *
 * @param options the method's choices
 * @param seed seed of the draws
 * @param epoch epoch of the draws
 * @param step step of the draws
 * @param firstSample global index of image 0, 0 or more
 * @param images (N) what was done with each image, 1 or more
 */
public record MixRecord(
        MixOptions options, long seed, long epoch, long step, long firstSample, List<Entry> images) {

    /**
     * What was done with one image.
     *
     * @param partner index of its background image
     * @param mixed whether it was mixed at all; if not, cells and box are empty and the source weight is 1
     * @param lambda λ as drawn, or k/G²; 0 to 1
     * @param cells the k selected cells, row-major indices r·G + c, ascending (any order is taken); empty in CUTMIX
     * @param box the box of {@link Mode#CUTMIX}, in a measured record only
     * @param measure size and weight, for all images of a record or for none
     */
    public record Entry(int partner, boolean mixed, double lambda, List<Integer> cells, Optional<Box> box,
            Optional<Measure> measure) {
        public Entry {
            Objects.requireNonNull(box, "box");
            Objects.requireNonNull(measure, "measure");
            cells = cells.stream().sorted().toList();
            if (!(lambda >= 0 && lambda <= 1)) {
                throw new IllegalArgumentException("lambda is " + lambda + "; allowed: 0 to 1");
            }
            for (int at = 1; at < cells.size(); at++) {
                if (cells.get(at).equals(cells.get(at - 1))) {
                    throw new IllegalArgumentException("cells has " + cells.get(at)
                            + " twice; allowed: each cell once");
                }
            }
        }
    }

    /**
     * A box on the canvas: the mixed image under {@link Geometry#NATIVE}, S×S pixels under {@link Geometry#RESIZED}.
     *
     * @param left first column, 0 or more
     * @param top first row, 0 or more
     * @param right column after the last; left if the box is empty
     * @param bottom row after the last; top if the box is empty
     */
    public record Box(int left, int top, int right, int bottom) {
        public Box {
            if (left < 0 || top < 0 || right < left || bottom < top) {
                throw new IllegalArgumentException("box is left " + left + ", top " + top + ", right " + right
                        + ", bottom " + bottom + "; allowed: 0 <= left <= right, 0 <= top <= bottom");
            }
        }
    }

    /**
     * What only the images can tell.
     *
     * @param height the image's own H
     * @param width the image's own W
     * @param sourceWeight its share of the label after mixing
     */
    public record Measure(int height, int width, float sourceWeight) {}

    public MixRecord {
        Objects.requireNonNull(options, "options");
        images = List.copyOf(images);
        if (images.isEmpty()) {
            throw new IllegalArgumentException("images is empty; allowed: 1 or more");
        }
        if (firstSample < 0) {
            throw new IllegalArgumentException("firstSample is " + firstSample + "; allowed: 0 or more");
        }
        int cells = options.grid() * options.grid();
        boolean measured = images.get(0).measure().isPresent();
        for (int i = 0; i < images.size(); i++) {
            Entry image = images.get(i);
            if (image.partner() < 0 || image.partner() >= images.size()) {
                throw new IllegalArgumentException("partner of image " + i + " is " + image.partner()
                        + "; allowed: 0 to " + (images.size() - 1) + " (batch of " + images.size() + ")");
            }
            checkCells(i, image.cells(), options);
            boolean boxed = image.mixed() && options.mode() == Mode.CUTMIX;
            if (image.cells().isEmpty() == (image.mixed() && !boxed)) {
                String allowed = boxed ? "none in mode CUTMIX" : image.mixed() ? "1 to " + cells + " (G²)"
                        : "none, it is not mixed";
                throw new IllegalArgumentException("cells of image " + i + " has " + image.cells().size()
                        + " cells; allowed: " + allowed);
            }
            if (image.box().isPresent() != boxed) {
                throw new IllegalArgumentException("image " + i + " has " + (boxed ? "no box" : "a box")
                        + "; allowed: a box for each mixed image in mode CUTMIX, none otherwise");
            }
            if (boxed && !measured) {
                throw new IllegalArgumentException("image " + i
                        + " has a box but no height and width; a box needs them");
            }
            if (image.measure().isPresent() != measured) {
                throw new IllegalArgumentException("image " + i + " has " + (measured ? "no " : "")
                        + "height, width and sourceWeight; allowed: for all images of a record or for none");
            }
        }
        if (measured) {
            checkMeasures(options, images);
        }
    }

    private static void checkCells(int i, List<Integer> cells, MixOptions options) {
        int all = options.grid() * options.grid();
        for (int cell : cells) {
            if (cell < 0 || cell >= all) {
                throw new IllegalArgumentException("cells of image " + i + " has " + cell + "; allowed: 0 to "
                        + (all - 1) + " (G² at inputSide " + options.inputSide() + ")");
            }
        }
    }

    private static void checkMeasures(MixOptions options, List<Entry> images) {
        int grid = options.grid();
        for (int i = 0; i < images.size(); i++) {
            Measure measure = images.get(i).measure().orElseThrow();
            if (measure.height() < grid || measure.width() < grid) {
                throw new IllegalArgumentException("image " + i + " is " + measure.height() + " by " + measure.width()
                        + " pixels (H by W); allowed: at least " + grid + " by " + grid + " (G)");
            }
        }
        MixPlan plan = new MixPlan(grid);
        fill(plan, images);
        for (int i = 0; i < images.size(); i++) {
            Entry image = images.get(i);
            int height = canvas(options, images, image, Measure::height);
            int width = canvas(options, images, image, Measure::width);
            if (plan.box[4 * i + 2] > width || plan.box[4 * i + 3] > height) {
                throw new IllegalArgumentException("box of image " + i + " is " + image.box().orElseThrow()
                        + "; allowed: inside the " + height + " by " + width + " pixels (H by W) that it is cut in");
            }
            float weight = Planner.weight(options, plan, i, height, width);
            float given = image.measure().orElseThrow().sourceWeight();
            if (given != weight) {
                throw new IllegalArgumentException("sourceWeight of image " + i + " is " + given + "; allowed: "
                        + weight + ", what its cells or box of " + height + " by " + width + " pixels give");
            }
        }
    }

    /** H or W of the canvas of one image of a measured record. */
    private static int canvas(MixOptions options, List<Entry> images, Entry image, ToIntFunction<Measure> side) {
        return options.geometry() == Geometry.RESIZED ? options.inputSide()
                : side.applyAsInt(images.get(image.partner()).measure().orElseThrow());
    }

    /**
     * The record of a mix.
     *
     * @param options of the mix
     * @param pairing its pairing, for the key of the draws
     * @param plan with all fields filled
     * @param heights (N) at least, H of each image before mixing
     * @param widths (N) at least, W of each image before mixing
     */
    public static MixRecord of(MixOptions options, Pairing pairing, MixPlan plan, int[] heights, int[] widths) {
        List<Entry> entries = new ArrayList<>(plan.count);
        for (int i = 0; i < plan.count; i++) {
            Measure measure = new Measure(heights[i], widths[i], plan.sourceWeight[i]);
            Optional<Box> box = Optional.empty();
            if (options.mode() == Mode.CUTMIX && plan.mixed[i]) {
                int at = 4 * i;
                box = Optional.of(new Box(plan.box[at], plan.box[at + 1], plan.box[at + 2], plan.box[at + 3]));
            }
            entries.add(new Entry(plan.partner[i], plan.mixed[i], plan.lambda[i], cells(plan, i), box,
                    Optional.of(measure)));
        }
        return of(options, pairing, entries);
    }

    /**
     * The record of a mix to be: partners, probability and k are drawn as a mixer with these options draws them, the
     * cells are the k hottest of the caller's own heat maps. Not measured.
     *
     * @param options mode ATTENTIVE
     * @param pairing for maps.length images
     * @param maps (N, G²) row-major heat maps of finite values
     * @throws IllegalArgumentException if a map has another length or a value that is not finite
     */
    public static MixRecord fromHeatMaps(MixOptions options, Pairing pairing, float[][] maps) {
        if (options.mode() != Mode.ATTENTIVE) {
            throw new IllegalArgumentException("mode is " + options.mode() + "; allowed with heat maps: ATTENTIVE");
        }
        int cells = options.grid() * options.grid();
        Planner planner = new Planner(options);
        MixPlan plan = planner.newPlan();
        planner.plan(pairing, maps.length, plan);
        List<Entry> entries = new ArrayList<>(maps.length);
        for (int i = 0; i < maps.length; i++) {
            if (maps[i].length != cells) {
                throw new IllegalArgumentException("maps[" + i + "] has " + maps[i].length + " values; allowed: "
                        + cells + " (G² at inputSide " + options.inputSide() + ")");
            }
            for (int c = 0; c < cells; c++) {
                if (!Float.isFinite(maps[i][c])) {
                    throw new IllegalArgumentException("maps[" + i + "][" + c + "] is " + maps[i][c]
                            + "; allowed: finite values");
                }
            }
            if (plan.mixed[i]) {
                Selection.select(maps[i], 0, cells, plan.patches[i], plan.cells, i * plan.words);
            }
            entries.add(new Entry(plan.partner[i], plan.mixed[i], plan.lambda[i], cells(plan, i), Optional.empty(),
                    Optional.empty()));
        }
        return of(options, pairing, entries);
    }

    private static MixRecord of(MixOptions options, Pairing pairing, List<Entry> entries) {
        return new MixRecord(options, pairing.seed(), pairing.epoch(), pairing.step(), pairing.firstSample(), entries);
    }

    private static List<Integer> cells(MixPlan plan, int i) {
        return IntStream.range(0, plan.grid * plan.grid).filter(c -> plan.selected(i, c)).boxed().toList();
    }

    /** N. */
    public int count() {
        return images.size();
    }

    /** Whether the record knows sizes and source weights. */
    public boolean isMeasured() {
        return images.get(0).measure().isPresent();
    }

    /**
     * The same record with other cells for one image, which is mixed from then on; λ becomes k/G², the source weight
     * follows.
     *
     * @param image its index
     * @param cells 1 to G² different cells
     */
    public MixRecord withCells(int image, int... cells) {
        if (options.mode() == Mode.CUTMIX) {
            throw new IllegalArgumentException("mode is CUTMIX; allowed with cells: ATTENTIVE, RANDOM_CELLS");
        }
        Entry old = images.get(Objects.checkIndex(image, images.size()));
        int all = options.grid() * options.grid();
        if (cells.length < 1 || cells.length > all) {
            throw new IllegalArgumentException("cells has " + cells.length + " cells; allowed: 1 to " + all + " (G²)");
        }
        double lambda = (double) cells.length / all;
        Entry entry = new Entry(old.partner(), true, lambda, IntStream.of(cells).boxed().toList(), Optional.empty(),
                Optional.empty());
        checkCells(image, entry.cells(), options);
        List<Entry> entries = new ArrayList<>(images);
        entries.set(image, entry);
        if (old.measure().isPresent()) {
            MixPlan plan = new MixPlan(options.grid());
            fill(plan, entries);
            float weight = Planner.weight(options, plan, image, canvas(options, images, old, Measure::height),
                    canvas(options, images, old, Measure::width));
            Measure measure = new Measure(old.measure().get().height(), old.measure().get().width(), weight);
            entries.set(image, new Entry(old.partner(), true, lambda, entry.cells(), Optional.empty(),
                    Optional.of(measure)));
        }
        return new MixRecord(options, seed, epoch, step, firstSample, entries);
    }

    /**
     * Fills a plan, all fields; source weights are NaN if this record is not measured ({@link Planner#weigh} gives
     * them).
     *
     * @throws IllegalArgumentException if the plan has another grid
     */
    public void into(MixPlan plan) {
        if (plan.grid != options.grid()) {
            throw new IllegalArgumentException("record has grid " + options.grid() + " (G at inputSide "
                    + options.inputSide() + "); allowed: " + plan.grid + ", the mixer's");
        }
        fill(plan, images);
    }

    private static void fill(MixPlan plan, List<Entry> images) {
        plan.resize(images.size());
        for (int i = 0; i < images.size(); i++) {
            Entry image = images.get(i);
            plan.partner[i] = image.partner();
            plan.mixed[i] = image.mixed();
            plan.patches[i] = image.cells().size();
            plan.lambda[i] = image.lambda();
            for (int cell : image.cells()) {
                plan.cells[i * plan.words + (cell >> 6)] |= 1L << (cell & 63);
            }
            if (image.box().isPresent()) {
                Box box = image.box().get();
                plan.box[4 * i] = box.left();
                plan.box[4 * i + 1] = box.top();
                plan.box[4 * i + 2] = box.right();
                plan.box[4 * i + 3] = box.bottom();
            }
            plan.sourceWeight[i] = image.measure().isPresent() ? image.measure().get().sourceWeight() : Float.NaN;
        }
    }

    /**
     * Checks that this record can be replayed on a batch: as many images, of the sizes it was measured on.
     *
     * @throws IllegalArgumentException naming the image that differs
     */
    public void checkImages(Images batch) {
        if (batch.count() != images.size()) {
            throw new IllegalArgumentException("batch has " + batch.count() + " images; allowed: " + images.size()
                    + ", as the record");
        }
        for (int i = 0; i < images.size() && isMeasured(); i++) {
            Measure measure = images.get(i).measure().orElseThrow();
            if (batch.height(i) != measure.height() || batch.width(i) != measure.width()) {
                throw new IllegalArgumentException("image " + i + " is " + batch.height(i) + " by " + batch.width(i)
                        + " pixels (H by W); allowed: " + measure.height() + " by " + measure.width()
                        + ", as the record");
            }
        }
    }

    /**
     * Checks that a mixer with these options makes the same pixels and weights of this record: mode, label weight,
     * geometry, normalisation, resize filter and input side must be equal. The rest only decided how the record came
     * about.
     *
     * @throws IllegalArgumentException naming the option that differs
     */
    public void checkOptions(MixOptions mixer) {
        same("mode", options.mode(), mixer.mode());
        same("labelWeight", options.labelWeight(), mixer.labelWeight());
        same("geometry", options.geometry(), mixer.geometry());
        same("normalisation", options.normalisation(), mixer.normalisation());
        same("resizeFilter", options.resizeFilter(), mixer.resizeFilter());
        same("inputSide", options.inputSide(), mixer.inputSide());
    }

    private static void same(String name, Object recorded, Object mixer) {
        if (!recorded.equals(mixer)) {
            throw new IllegalArgumentException("record has " + name + " " + recorded + "; allowed: " + mixer
                    + ", the mixer's");
        }
    }

    /**
     * Reads what {@link #toJson} writes. Everything is checked: keys, types, ranges, and in a measured record that
     * every source weight is what its cells give.
     *
     * @throws IllegalArgumentException saying what is wrong, and where
     */
    public static MixRecord fromJson(String json) {
        return MixRecordJson.read(json);
    }

    /**
     * This record as one JSON object of version 1: {@code version}, {@code options} (as {@link MixOptions#toJson}),
     * {@code seed}, {@code epoch}, {@code step}, {@code firstSample}, and {@code images}, each with {@code partner},
     * {@code mixed}, {@code lambda}, {@code cells}, {@code box} ([left, top, right, bottom]; absent without one), and,
     * if measured, {@code height}, {@code width}, {@code sourceWeight}. Numbers read back as the same bits; seeds may
     * need all 64 of them.
     */
    public String toJson() {
        return MixRecordJson.write(this);
    }
}
