package io.attentivecutmix.cuda;

import io.attentivecutmix.cuda.kernels.KernelAttention;
import io.attentivecutmix.cuda.kernels.KernelRegions;
import io.attentivecutmix.image.BatchForm;
import io.attentivecutmix.image.DeviceImages;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The way of a batch's pixels, or of its masks, through a step: up, resized where needed, mixed, down. First everything
 * is placed on the host, then it is enqueued, then what came down is delivered. Not thread-safe.
 */
final class Lane implements AutoCloseable {
    private final boolean masks;
    private final MixOptions options;
    private final Composer composer;
    private final Transfer up;
    private final Transfer down;

    /**
     * @param normalisation host, (6), or null: v/255
     * @param workspace for resizing, shared by all that runs on one stream
     */
    Lane(boolean masks, MixOptions options, Memory memory, Kernels kernels, Structs structs, FloatPointer normalisation,
            Arena workspace) {
        this.masks = masks;
        this.options = options;
        String what = masks ? "masks" : "images";
        composer = new Composer(masks, options, memory, kernels, structs, normalisation, workspace);
        up = new Transfer(what, masks, memory);
        down = new Transfer("mixed " + what, masks, memory);
    }

    /** The batch that comes in. */
    Batch in() {
        return composer.in;
    }

    /** The mixed batch. */
    Batch out() {
        return composer.out;
    }

    private void form(Batch batch, BatchForm images) {
        ElementType type = masks ? element(images.maskBytes()) : images.elementType();
        batch.form(type, masks ? Layout.NHWC : images.layout(), masks ? 1 : 3);
        batch.begin(images.count());
        for (int i = 0; i < batch.count; i++) {
            batch.put(i, 0, images.height(i), images.width(i));
        }
    }

    /** The type whose size a mask's element has: masks are moved, never computed with. */
    private static ElementType element(int maskBytes) {
        return maskBytes == 1 ? ElementType.UINT8 : maskBytes == 2 ? ElementType.FLOAT16 : ElementType.FLOAT32;
    }

    /**
     * Decides where a host batch goes on the device, and where its result lies.
     *
     * @param out null when nothing is mixed
     */
    void place(Images images, Images out) {
        form(in(), images);
        up.place(images, in());
        if (out != null) {
            form(out(), out);
            down.place(out, out());
        }
    }

    /** Takes a batch and its result where they lie on the device. */
    void place(DeviceImages images, DeviceImages out) {
        form(in(), images);
        in().uniform(images.address(), images.count(), images.height(), images.width());
        form(out(), out);
        out().uniform(out.address(), out.count(), out.height(), out.width());
    }

    /** Whether what is launched is the same in the next step of this form, whatever its plan says. */
    boolean fixed(boolean mixes) {
        return Composer.fixed(options, in()) && (!mixes || out().uniform);
    }

    /** Plans the mix, takes what memory is missing and writes addresses and sizes to the tables. */
    void arrange(MixPlan plan, Tables tables) {
        composer.bind(tables);
        composer.arrange(plan, tables);
    }

    /** For a step that mixes nothing: tells the tables where the batch lies. */
    void arrangeInput(Tables tables) {
        composer.bind(tables);
        in().publish(tables);
    }

    void copyUp(Images images, Pointer stream) {
        up.up(images, in(), stream);
    }

    /** Enqueues the mix by cells or boxes that are known, with all resizing around it. */
    void mix(KernelRegions regions, Pointer stream) {
        composer.before(stream);
        composer.mix(regions, stream);
        composer.after(stream);
    }

    /** As {@link #mix}, with the selection in the same launch. */
    void attendMix(KernelAttention attention, KernelRegions regions, Pointer stream) {
        composer.before(stream);
        composer.attendMix(attention, regions, stream);
        composer.after(stream);
    }

    void copyDown(Pointer stream) {
        down.down(stream);
    }

    /** Hands out what has come down. */
    void deliver(Images out) {
        down.deliver(out, out());
    }

    @Override
    public void close() {
        try (Scope scope = new Scope()) {
            scope.own(composer);
            scope.own(up);
            scope.own(down);
        }
    }
}
