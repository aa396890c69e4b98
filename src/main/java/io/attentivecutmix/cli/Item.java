package io.attentivecutmix.cli;

import java.nio.file.Path;

/**
 * One image to be read.
 *
 * @param name its path below the images' root, with slashes
 * @param path where it is
 * @param output name of its output below the output folder, with slashes
 * @param classId its class, or −1 if it has none
 */
record Item(String name, Path path, String output, int classId) {}
