package io.attentivecutmix.cuda;

import io.attentivecutmix.cuda.Tables.Role;
import io.attentivecutmix.cuda.kernels.KernelAttention;
import io.attentivecutmix.cuda.kernels.KernelRegions;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Normalisation;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Stage 5 on the device, for the pixels or for the masks of a batch: which images must be resized first, what is mixed
 * from where to where, and what is resized back.
 *
 * <p>Images of one size under native geometry are mixed where they lie. Otherwise those that differ from their
 * partner's size (or from S×S under RESIZED) are resized first; floating images are float from then on until they are
 * written, and bytes are NHWC, as on the CPU. {@link #arrange} decides all that on the host and takes memory; the other
 * methods only enqueue.
 */
final class Composer implements AutoCloseable {
    private static final int ALIGNMENT = 16;

    private final MixOptions options;
    private final boolean masks;
    private final Kernels kernels;
    private final FloatPointer normalisation;
    private final ResizeFilter filter;

    final Batch in;
    final Batch out;
    private final Batch canonical;
    private final Batch fitFrom;
    private final Batch fitTo;
    private final Batch source;
    private final Batch background;
    private final Batch canvas;
    private final Arena canonicalArena;
    private final Arena fitArena;
    private final Arena canvasArena;
    private final Arena workspace;

    private boolean usesCanonical;
    private boolean usesCanvas;
    private long canonicalBytes;
    private long fitBytes;
    private long canvasBytes;
    /** Index among the resized of each image, −1 for those that are not. */
    private int[] fit = {};

    /**
     * @param masks whether these are masks: one channel, never interpolated, never normalised
     * @param normalisation host, (6), or null: v/255
     * @param workspace for resizing; shared by all that runs on one stream
     */
    Composer(boolean masks, MixOptions options, Memory memory, Kernels kernels, Structs structs,
            FloatPointer normalisation, Arena workspace) {
        this.masks = masks;
        this.options = options;
        this.kernels = kernels;
        this.normalisation = masks ? null : normalisation;
        this.workspace = workspace;
        filter = masks ? ResizeFilter.NEAREST : options.resizeFilter();
        in = new Batch(structs, Role.IN, masks);
        out = new Batch(structs, Role.OUT, masks);
        canonical = new Batch(structs, Role.CANONICAL, masks);
        fitFrom = new Batch(structs, Role.FIT_FROM, masks);
        fitTo = new Batch(structs, Role.FIT_TO, masks);
        source = new Batch(structs, Role.SOURCE, masks);
        background = new Batch(structs, Role.BACKGROUND, masks);
        canvas = new Batch(structs, Role.CANVAS, masks);
        String what = masks ? "resized masks" : "resized images";
        canonicalArena = memory.device(what);
        fitArena = memory.device(what);
        canvasArena = memory.device(what);
    }

    void bind(Tables tables) {
        for (Batch b : new Batch[] {in, out, canonical, fitFrom, fitTo, source, background, canvas}) {
            b.bind(tables);
        }
    }

    /**
     * Whether a step on these images launches the same work on the same memory whatever its plan says.
     */
    static boolean fixed(MixOptions options, Batch in) {
        return in.uniform && (options.geometry() == Geometry.NATIVE
                || in.height[0] == options.inputSide() && in.width[0] == options.inputSide());
    }

    /**
     * Plans a step. {@link #in} is placed; {@link #out} is placed and has its sizes.
     */
    void arrange(MixPlan plan, Tables tables) {
        int n = plan.count;
        usesCanonical = false;
        usesCanvas = false;
        fitFrom.begin(0);
        fitTo.begin(0);
        if (fixed(options, in)) {
            source.copy(in);
            background.copy(in);
        } else {
            arrangeRagged(plan, n);
        }
        canonicalArena.grow(usesCanonical ? canonicalBytes : 0);
        fitArena.grow(fitTo.count > 0 ? fitBytes : 0);
        canvasArena.grow(usesCanvas ? canvasBytes : 0);
        // laid out from 0: only now is it known where the blocks lie
        if (usesCanonical) {
            canonical.move(canonicalArena.address());
        }
        fitTo.move(fitArena.address());
        if (usesCanvas) {
            canvas.move(canvasArena.address());
        }
        if (!fixed(options, in)) {
            link(plan, n);
        }
        in.publish(tables);
        out.publish(tables);
        source.publish(tables);
        background.publish(tables);
        if (usesCanonical) {
            canonical.publish(tables);
        }
        if (fitTo.count > 0) {
            fitFrom.publish(tables);
            fitTo.publish(tables);
        }
        if (usesCanvas) {
            canvas.publish(tables);
        }
        workspace.grow(workspaceBytes());
    }

    private boolean resized() {
        return options.geometry() == Geometry.RESIZED;
    }

    private void arrangeRagged(MixPlan plan, int n) {
        if (fit.length < n) {
            fit = new int[n];
        }
        int side = options.inputSide();
        int fits = 0;
        for (int i = 0; i < n; i++) {
            fit[i] = -1;
        }
        for (int i = 0; i < n; i++) {
            if (!plan.mixed[i]) {
                continue;
            }
            int b = plan.partner[i];
            if (resized()) {
                fits = needs(i, side, side, fits);
                fits = needs(b, side, side, fits);
                usesCanvas |= out.height[i] != side || out.width[i] != side;
            } else {
                fits = needs(i, in.height[b], in.width[b], fits);
            }
        }
        Batch base = in;
        boolean converts = fits > 0 && !masks && !in.hasForm(workType(), workLayout());
        if (converts) {
            usesCanonical = true;
            canonical.form(workType(), workLayout(), in.channels);
            canonical.begin(n);
            for (int i = 0; i < n; i++) {
                canonical.put(i, 0, in.height[i], in.width[i]);
            }
            canonicalBytes = canonical.layOut(0, ALIGNMENT);
            base = canonical;
        }
        fitFrom.formOf(base);
        fitTo.formOf(base);
        fitFrom.begin(fits);
        fitTo.begin(fits);
        for (int i = 0; i < n; i++) {
            if (fit[i] >= 0) {
                int b = plan.partner[i];
                fitFrom.put(fit[i], 0, in.height[i], in.width[i]);
                fitTo.put(fit[i], 0, resized() ? side : in.height[b], resized() ? side : in.width[b]);
            }
        }
        fitBytes = fitTo.layOut(0, ALIGNMENT);
        if (usesCanvas) {
            canvas.formOf(base);
            if (!masks) {
                canvas.form(workType(), workLayout(), in.channels);
            }
            canvas.begin(n);
            for (int i = 0; i < n; i++) {
                canvas.put(i, 0, plan.mixed[i] ? side : in.height[i], plan.mixed[i] ? side : in.width[i]);
            }
            canvasBytes = canvas.layOut(0, ALIGNMENT);
        }
    }

    /** Counts image i among those that are resized, unless it has the size or is counted already. */
    private int needs(int i, int height, int width, int fits) {
        if (in.height[i] == height && in.width[i] == width || fit[i] >= 0) {
            return fits;
        }
        fit[i] = fits;
        return fits + 1;
    }

    /** Says where sources and backgrounds lie, now that every block has its address. */
    private void link(MixPlan plan, int n) {
        Batch base = usesCanonical ? canonical : in;
        for (int i = 0; i < n; i++) {
            if (fit[i] >= 0) {
                fitFrom.address[fit[i]] = base.address[i];
            }
        }
        source.formOf(base);
        background.formOf(base);
        source.begin(n);
        background.begin(n);
        for (int i = 0; i < n; i++) {
            boolean fitted = fit[i] >= 0;
            if (plan.mixed[i] && fitted) {
                source.put(i, fitTo.address[fit[i]], fitTo.height[fit[i]], fitTo.width[fit[i]]);
            } else {
                source.put(i, base.address[i], in.height[i], in.width[i]);
            }
            if (resized() && fitted) {
                background.put(i, fitTo.address[fit[i]], fitTo.height[fit[i]], fitTo.width[fit[i]]);
            } else {
                background.put(i, base.address[i], in.height[i], in.width[i]);
            }
        }
    }

    private ElementType workType() {
        return in.type == ElementType.UINT8 ? ElementType.UINT8 : ElementType.FLOAT32;
    }

    private Layout workLayout() {
        return in.type == ElementType.UINT8 ? Layout.NHWC : in.layout;
    }

    private long workspaceBytes() {
        long most = 0;
        if (usesCanonical) {
            most = Math.max(most, kernels.preprocessWorkspace(in.images, canonical.images, filter.ordinal()));
        }
        if (fitTo.count > 0) {
            most = Math.max(most, kernels.preprocessWorkspace(fitFrom.images, fitTo.images, filter.ordinal()));
        }
        if (usesCanvas) {
            most = Math.max(most, kernels.preprocessWorkspace(canvas.images, out.images, filter.ordinal()));
        }
        return most;
    }

    /** Enqueues what must be resized before anything is mixed. */
    void before(Pointer stream) {
        if (usesCanonical) {
            resize(in, canonical, false, stream);
        }
        if (fitTo.count > 0) {
            resize(fitFrom, fitTo, false, stream);
        }
    }

    /** Enqueues the mix, by cells or boxes that are known. */
    void mix(KernelRegions regions, Pointer stream) {
        kernels.mix(source.images, background.images, target().images, regions, stream);
    }

    /** Enqueues selection and mix in one. */
    void attendMix(KernelAttention attention, KernelRegions regions, Pointer stream) {
        kernels.attendMix(attention, source.images, background.images, target().images, regions, stream);
    }

    private Batch target() {
        return usesCanvas ? canvas : out;
    }

    /** Enqueues what is resized back. */
    void after(Pointer stream) {
        if (usesCanvas) {
            resize(canvas, out, in.type == ElementType.UINT8 && out.type != ElementType.UINT8, stream);
        }
    }

    private void resize(Batch from, Batch to, boolean normalise, Pointer stream) {
        boolean standardise = normalise && options.normalisation().kind() == Normalisation.Kind.STANDARDISE;
        kernels.preprocess(from.images, to.images, filter.ordinal(), standardise, standardise ? normalisation : null,
                null, workspace.memory(), workspace.capacity(), stream);
    }

    @Override
    public void close() {
        try (Scope scope = new Scope()) {
            scope.own(canonicalArena);
            scope.own(fitArena);
            scope.own(canvasArena);
        }
    }
}
