package io.attentivecutmix;

import static com.tngtech.archunit.base.DescribedPredicate.alwaysTrue;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.properties.HasName;
import com.tngtech.archunit.core.domain.properties.HasOwner;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import org.bytedeco.javacpp.Loader;

/** Who may know whom. */
@AnalyzeClasses(packages = "io.attentivecutmix", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String BASE = "io.attentivecutmix.";

    @ArchTest
    static final ArchRule layers = layeredArchitecture().consideringOnlyDependenciesInLayers()
            .layer("cli").definedBy(BASE + "cli..")
            .layer("api").definedBy("io.attentivecutmix")
            .layer("cpu").definedBy(BASE + "cpu..")
            .layer("cuda").definedBy(BASE + "cuda..")
            .layer("engine").definedBy(BASE + "engine..")
            .layer("quantisation").definedBy(BASE + "quantisation..")
            .layer("method").definedBy(BASE + "method..")
            .layer("weights").definedBy(BASE + "weights..")
            .layer("network").definedBy(BASE + "network..")
            .layer("image").definedBy(BASE + "image..")
            .layer("environment").definedBy(BASE + "environment..")
            .layer("natives").definedBy(BASE + "natives..")
            .withOptionalLayers(true)
            .whereLayer("cli").mayNotBeAccessedByAnyLayer()
            .whereLayer("api").mayOnlyBeAccessedByLayers("cli")
            .whereLayer("cpu").mayOnlyBeAccessedByLayers("api")
            .whereLayer("cuda").mayOnlyBeAccessedByLayers("api")
            .whereLayer("engine").mayOnlyBeAccessedByLayers("api", "cpu", "cuda", "cli")
            .whereLayer("quantisation").mayOnlyBeAccessedByLayers("engine", "api", "cpu", "cuda", "cli")
            .whereLayer("method").mayOnlyBeAccessedByLayers("quantisation", "engine", "api", "cpu", "cuda", "cli")
            .whereLayer("weights").mayOnlyBeAccessedByLayers("api", "cli")
            .whereLayer("network").mayOnlyBeAccessedByLayers("weights", "method", "quantisation", "engine", "api",
                    "cpu", "cuda", "cli")
            .whereLayer("image").mayOnlyBeAccessedByLayers("method", "quantisation", "engine", "api", "cpu", "cuda",
                    "cli")
            .whereLayer("natives").mayOnlyBeAccessedByLayers("environment", "image", "weights", "api", "cpu", "cuda",
                    "cli")
            .whereLayer("environment").mayOnlyBeAccessedByLayers("api", "cpu", "cuda", "cli");

    /** What is loaded has been compared with its jar, in a folder that has been checked. */
    @ArchTest
    static final ArchRule nativeLibrariesInOnePlace = noClasses().that().resideOutsideOfPackage(BASE + "natives..")
            .and().resideOutsideOfPackage(BASE + "cuda.kernels..")
            .should().callMethodWhere(JavaCall.Predicates.target(
                    HasOwner.Predicates.With.<JavaClass>owner(JavaClass.Predicates.equivalentTo(Loader.class)))
                    .and(JavaCall.Predicates.target(HasName.Predicates.nameMatching(
                            "load|loadLibrary|loadGlobal|cacheResources?|extractResources?|getCacheDir|getTempDir"))))
            .orShould().callMethodWhere(JavaCall.Predicates.target(HasName.Predicates.nameMatching(
                    "load|loadLibrary")).and(JavaCall.Predicates.target(HasOwner.Predicates.With.<JavaClass>owner(
                            JavaClass.Predicates.belongToAnyOf(System.class, Runtime.class)))))
            .because("io.attentivecutmix.natives checks what it loads");

    /** A machine without a driver loads everything else. */
    @ArchTest
    static final ArchRule cudaClassesOnlyInCuda = noClasses().that().resideOutsideOfPackage(BASE + "cuda..")
            .should().dependOnClassesThat().resideInAnyPackage("org.bytedeco.cuda..");

    @ArchTest
    static final ArchRule onednnOnlyInCpu = noClasses().that().resideOutsideOfPackage(BASE + "cpu..")
            .should().dependOnClassesThat().resideInAnyPackage("org.bytedeco.dnnl..", "org.bytedeco.opencl..");

    /** What only the command line needs is optional for users of the library. */
    @ArchTest
    static final ArchRule commandLineLibrariesOnlyInCli = noClasses().that().resideOutsideOfPackage(BASE + "cli..")
            .should().dependOnClassesThat().resideInAnyPackage("picocli..", "me.tongfei..");

    @ArchTest
    static final ArchRule imageLibrariesOnlyInImage = noClasses().that().resideOutsideOfPackage(BASE + "image..")
            .should().dependOnClassesThat().resideInAnyPackage("com.twelvemonkeys..", "com.drew..",
            "org.bytedeco.opencv..");

    /** A JavaCPP pointer has no bounds check: none may reach a user. */
    @ArchTest
    static final ArchRule noPointersInPublicSignatures = noMethods().that().areDeclaredInClassesThat(
                    resideInAPackage("io.attentivecutmix").or(resideInAPackage(BASE + "method.."))
                            .or(resideInAPackage(BASE + "image..")).or(resideInAPackage(BASE + "weights.."))
                            .or(resideInAPackage(BASE + "network..")).or(resideInAPackage(BASE + "engine.."))
                            .or(resideInAPackage(BASE + "quantisation..")))
            .and().arePublic().should(
                    com.tngtech.archunit.lang.conditions.ArchConditions.have(new DescribedPredicate<JavaMethod>(
                            "a JavaCPP type in their signature") {
                        @Override
                        public boolean test(JavaMethod method) {
                            return foreign(method.getRawReturnType())
                                    || method.getRawParameterTypes().stream().anyMatch(ArchitectureTest::foreign);
                        }
                    }));

    private static boolean foreign(JavaClass type) {
        return type.getPackageName().startsWith("org.bytedeco");
    }

    /** Only the command line prints. */
    @ArchTest
    static final ArchRule libraryNeverPrints = noClasses().that().resideOutsideOfPackage(BASE + "cli..")
            .should().accessField(System.class, "out").orShould().accessField(System.class, "err");

    /** The application's own registry decides nothing here. */
    @ArchTest
    static final ArchRule noImageIoRegistry = noClasses().should().callMethodWhere(
            com.tngtech.archunit.core.domain.JavaCall.Predicates.target(
                    com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With
                            .<JavaClass>owner(com.tngtech.archunit.core.domain.JavaClass.Predicates.equivalentTo(
                                    javax.imageio.ImageIO.class)).forSubtype())).because("ImageIO asks the registry");

    /** The class files exist at all: a renamed package would make every rule above pass. */
    @ArchTest
    static final ArchRule packagesExist = classes().that(resideInAPackage(BASE + "cpu..")).and(alwaysTrue())
            .should().haveNameMatching("io\\.attentivecutmix\\.cpu\\..*");
}
