/**
 * What this library needs of a machine, checked and explained: {@link io.attentivecutmix.environment.SystemChecks}
 * looks at the system, {@code Device.checks()} at what a device needs. Nothing here fails; what is wrong is a
 * {@link io.attentivecutmix.environment.Check} with a line of remedy.
 */
package io.attentivecutmix.environment;
