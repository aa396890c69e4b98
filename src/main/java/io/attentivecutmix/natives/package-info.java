/**
 * The one way to native code. Every library that JavaCPP loads for this project is asked for through
 * {@link io.attentivecutmix.natives.NativeLibraries}, which goes these steps before JavaCPP is let loose:
 *
 * <ol>
 * <li>musl instead of glibc is refused, since the presets' builds do not run there.
 * <li>A folder is chosen: what {@code org.bytedeco.javacpp.cachedir} (or {@code cacheDir}) names; else {@code native}
 * in the library's cache folder; else a fresh folder of mode 0700 in {@code java.io.tmpdir}, deleted when the JVM ends.
 * Left to itself, JavaCPP falls back to a name in the temporary folder that anybody can foresee and make first.
 * <li>The folder must be this user's, or root's, and nobody else may write to it; it must be no symbolic link, and its
 * file system must allow executables. Nobody else may be able to replace it either, through a folder above; of a folder
 * that the user named this is only warned of, since a container may have such folders and no other users.
 * <li>Each library in a jar that the preset may load is compared, SHA-256 of the file against SHA-256 of the jar's
 * entry (remembered for an entry of this length and CRC-32), at every load; what differs is extracted
 * anew under a temporary name, compared again and moved into place. So is a file that another user owns or
 * may write to; a sub-folder that another user owns is refused.
 * JavaCPP alone trusts a file whose length and time of change are right.
 * <li>JavaCPP then finds everything extracted, and loads it, while a lock keeps other processes from replacing files.
 * </ol>
 *
 * <p>Libraries that lie on disk already (a class path of folders) are loaded where they are. JavaCPP's properties are
 * respected; what they name is checked all the same. Setting {@code org.bytedeco.javacpp.cachedir} here holds for
 * everything in the process that uses JavaCPP, as it must, since JavaCPP has one folder per process.
 */
package io.attentivecutmix.natives;
