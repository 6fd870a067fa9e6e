/** The custom header of the distribution's origin; CloudFront puts its own in the place of a viewer's. */
export const ORIGIN_KEY_HEADER = 'x-origin-key';

/**
 * The viewer's address and port: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html
 */
export const VIEWER_ADDRESS_HEADER = 'cloudfront-viewer-address';
