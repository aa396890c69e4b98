package io.attentivecutmix.image;

/** How many images a batch has, their sizes and the form of their values; wherever the values lie. */
public interface BatchForm {
    /** N. */
    int count();

    /** Height H of image i in pixels. */
    int height(int i);

    /** Width W of image i in pixels. */
    int width(int i);

    /** Type of every value of the batch. */
    ElementType elementType();

    /** Layout of every image of the batch. */
    Layout layout();

    /** Bytes of one element of a segmentation mask: 1, 2 or 4; 0 when the batch has no masks. */
    int maskBytes();
}
